mod keeping;
mod model;
mod mutation;
mod openings;
#[cfg(shuttle)]
mod orders;
mod reader;
mod simulate;
mod tending;
mod threads;
