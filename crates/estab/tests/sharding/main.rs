//! Stacks over several queues, which the network steers wrongly on purpose.

mod connections;
mod ending;
mod listeners;
mod net;
mod threads;
