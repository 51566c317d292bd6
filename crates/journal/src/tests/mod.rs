mod keeping;
mod model;
mod mutation;
mod openings;
mod reader;
mod simulate;
mod threads;
