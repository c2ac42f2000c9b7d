//! Buffers that follow use: as large as the path asks for, nothing when idle, and never more in all
//! than the stack may hold.

mod budget;
mod crowd;
mod fat;
mod streams;
mod world;
