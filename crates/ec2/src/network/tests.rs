mod derive;
mod races;
mod random;
mod story;
