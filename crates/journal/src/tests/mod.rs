mod model;
mod simulate;
mod threads;
