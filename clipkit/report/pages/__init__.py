"""Pages that need nothing beside them: templates filled with what notebooks showed."""
