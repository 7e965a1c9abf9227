//! A server with one recorded reply, to measure the poller against: `emulator PORT FILE`. It listens on
//! every loopback address and answers each connection with the file's JSON and a NUL.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = || std::io::Error::other("usage: emulator PORT FILE");
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).ok_or_else(usage)?;
    let text = std::fs::read_to_string(arguments.next().ok_or_else(usage)?)?;
    let value: serde_json::Value = serde_json::from_str(&text).map_err(std::io::Error::other)?;
    let mut reply = serde_json::to_vec(&value).map_err(std::io::Error::other)?;
    reply.push(0);
    let reply: &'static [u8] = reply.leak();
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::UNSPECIFIED, port).into())?;
    let listener = socket.listen(4096)?;
    eprintln!("{} bytes a reply", reply.len());
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        tokio::spawn(async move {
            let mut request = [0; 512];
            if matches!(stream.read(&mut request).await, Ok(n) if n > 0) {
                let _ = stream.write_all(reply).await;
                let _ = stream.read(&mut request).await;
            }
        });
    }
}
