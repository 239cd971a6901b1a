//! A blunt server, which answers one connection after the other with the same bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What follows the bytes.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// The connection is closed.
    Close,
    /// It is reset, as by a process that died.
    Reset,
    /// It stays open, and nothing more comes.
    Hang,
    /// It stays open, and spaces come, slowly and without end.
    Drip,
}

/// Starts one on a free port, and returns its base URL. It ends with the test's runtime.
pub async fn answering(bytes: impl Into<Vec<u8>>, end: End) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bytes = bytes.into();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, bytes.clone(), end));
        }
    });
    url
}

async fn answer(mut connection: TcpStream, bytes: Vec<u8>, end: End) {
    let mut request = [0; 4096];
    // Whoever has enough closes the connection: nothing that fails here matters to the test.
    let _ = connection.read(&mut request).await;
    let _ = connection.write_all(&bytes).await;
    match end {
        End::Close => {}
        End::Reset => drop(connection.set_zero_linger()),
        End::Hang => tokio::time::sleep(Duration::from_secs(30)).await,
        End::Drip => {
            while connection.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}
