mod model;
mod mutation;
mod reader;
mod simulate;
mod threads;
