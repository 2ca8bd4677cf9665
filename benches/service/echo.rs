//! The ceiling for queries: the same HTTP server with the same workers, which reads the request and always gives
//! the same reply.

use actix_web::{App, HttpResponse, HttpServer, web};
use std::net::{SocketAddr, TcpListener};

pub struct Echo {
    pub address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<()>,
}

/// Starts an echo of `reply` with the workers of our own default.
pub fn start(reply: Vec<u8>) -> Echo {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let reply = web::Bytes::from(reply);
    let thread = std::thread::spawn(move || {
        let answer = move |_body: web::Bytes| {
            let reply = reply.clone();
            async move { HttpResponse::Ok().content_type("application/soap+xml; charset=UTF-8").body(reply) }
        };
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().default_service(web::to(answer.clone()));
            let workers = nayose::transport::Settings::default().workers;
            let server = HttpServer::new(app).workers(workers).disable_signals().listen(socket).unwrap().run();
            tell.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    Echo { address, handle: told.recv().unwrap(), thread }
}

impl Echo {
    pub fn stop(self) {
        // The server stops when the message is read; the future only waits for it, as the thread's end does too.
        drop(self.handle.stop(false));
        self.thread.join().unwrap();
    }
}
