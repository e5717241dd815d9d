//! A backend that takes uploads and cuts clips out of them with ffmpeg, over HTTP.
//!
//! `serve` is the way in. `config` reads the environment; `routes` speak with clients and `inflow`
//! reads what they send; `book` knows uploads and jobs; `scheduler` gives clips their turn, `runner`
//! cuts one, in a `process` of its own.

mod argv;
mod book;
mod clock;
pub mod config;
mod disposition;
pub mod environment;
mod ffmpeg;
pub mod guard;
mod heads;
mod ids;
mod inflow;
mod job;
pub mod logs;
mod metrics;
mod order;
mod pictures;
mod problem;
mod process;
mod ranges;
mod reason;
mod receive;
mod routes;
mod runner;
mod scheduler;
pub mod serve;
mod service;
mod sink;
mod stall;
mod store;
