//! The kernel's stack with threads that block: the least there can be around it.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;

use super::{Options, Service, end_with_stdin, kernel, tell_ready};

pub(super) fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    for service in [Service::Echo, Service::Answer] {
        let listener = kernel::listener(options, service)?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that leaves early is its own affair.
                let _ = serve(service, stream);
            }
        });
    }
    end_with_stdin();
    tell_ready()?;
    loop {
        thread::park();
    }
}

fn serve(service: Service, mut stream: TcpStream) -> io::Result<()> {
    let mut block = [0; 1024];
    loop {
        let n = stream.read(&mut block)?;
        stream.write_all(&block[..n])?;
        if n == 0 || service == Service::Answer {
            return Ok(());
        }
    }
}
