"""From a job, settings and facts to tasks for the engine. Pure: starts no process."""
