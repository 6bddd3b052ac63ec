//! A proxy of the kind that Docker has in user space: for each connection another one, and for each direction a thread that has
//! the kernel move bytes through a pipe, as Go's `io.Copy` does between two sockets.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use rustix::pipe::{SpliceFlags, fcntl_setpipe_size, pipe, splice};

/// How much is moved at once, at most.
const PIECE: usize = 1 << 20;

/// Accepts connections and makes them again to `to`.
pub(crate) fn serve(listener: &TcpListener, to: SocketAddr) {
    for client in listener.incoming() {
        let client = client.unwrap();
        let server = TcpStream::connect(to).unwrap();
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || carry(&client, &server));
        thread::spawn(move || carry(&back.0, &back.1));
    }
}

fn carry(from: &TcpStream, to: &TcpStream) -> io::Result<()> {
    let (read, write) = pipe()?;
    fcntl_setpipe_size(&write, PIECE)?;
    loop {
        let mut left = splice(from, None, &write, None, PIECE, SpliceFlags::empty())?;
        if left == 0 {
            return to.shutdown(Shutdown::Write);
        }
        while left > 0 {
            left -= splice(&read, None, to, None, left, SpliceFlags::empty())?;
        }
    }
}
