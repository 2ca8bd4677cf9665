//! A subscriber at the other end of the wire: it keeps what it is told, and its manners are set by whoever plays it.
//!
//! Shared by the integration tests and the fault harness. It reads bytes by itself, so that what it finds does not
//! hang on what the product believes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Says {
    /// It has taken it.
    #[default]
    Accepts,
    /// It has taken it, in the words of an application acknowledgement and of SOAP 1.1 headers.
    AcceptsSloppily,
    /// The message is in error.
    Refuses,
    /// It cannot work on it.
    Breaks,
    /// Nothing: the connection ends.
    HangsUp,
    /// A page for people.
    Page,
}

/// One message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The whole of the HTTP request's head.
    pub head: String,
    /// The envelope.
    pub body: String,
    /// What was answered.
    pub said: Says,
}

impl Told {
    /// The root of the payload.
    pub fn root(&self) -> String {
        let at = self.body.find("PRPA_IN").unwrap_or(0);
        self.body[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    }

    /// The identifiers of the patient, as `root^extension`.
    pub fn identifiers(&self) -> BTreeSet<String> {
        let patient = self.body.split("<patient ").nth(1).unwrap_or_default();
        let patient = patient.split("<statusCode").next().unwrap_or_default();
        patient.split("<id ").skip(1).map(identifier).collect()
    }

    /// The identifier that is replaced.
    pub fn replaced(&self) -> Option<String> {
        let role = self.body.split("<priorRegisteredRole ").nth(1)?;
        role.split("<id ").nth(1).map(identifier)
    }
}

fn identifier(text: &str) -> String {
    let attribute = |name: &str| {
        let rest = text.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    format!("{}^{}", attribute("root"), attribute("extension"))
}

#[derive(Default)]
struct Kept {
    says: Says,
    told: Vec<Told>,
}

/// A subscriber that listens.
pub struct Consumer {
    kept: Arc<Mutex<Kept>>,
    address: SocketAddr,
    here: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Consumer {
    /// Listens on a free port.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut consumer = Self { kept: Arc::default(), address, here: None };
        consumer.listen(listener);
        consumer
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/pixconsumer", self.address)
    }

    /// From now on it answers so.
    pub fn says(&self, says: Says) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).says = says;
    }

    /// All that it was told so far.
    pub fn told(&self) -> Vec<Told> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).told.clone()
    }

    /// It goes: from now on connections are refused.
    pub fn goes(&mut self) {
        if let Some((gone, thread)) = self.here.take() {
            gone.store(true, Ordering::SeqCst);
            // The thread waits for a connection.
            let _ = TcpStream::connect(self.address);
            let _ = thread.join();
        }
    }

    /// It comes back to the same port.
    pub fn returns(&mut self) {
        for _ in 0..500 {
            if let Ok(listener) = TcpListener::bind(self.address) {
                return self.listen(listener);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("somebody else listens at {}", self.address);
    }

    fn listen(&mut self, listener: TcpListener) {
        let (gone, kept) = (Arc::new(AtomicBool::new(false)), Arc::clone(&self.kept));
        let over = Arc::clone(&gone);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // One at a time: what would overtake has to wait.
                if let Ok(stream) = stream {
                    let _ = serve(stream, &kept);
                }
            }
        });
        self.here = Some((gone, thread));
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.goes();
    }
}

fn serve(mut stream: TcpStream, kept: &Mutex<Kept>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut bytes = Vec::new();
    let mut some = [0; 8192];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let count = stream.read(&mut some)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&some[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    while bytes.len() < end + length {
        let count = stream.read(&mut some)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&some[..count]);
    }
    let body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    let said = {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let said = kept.says;
        kept.told.push(Told { head, body: body.clone(), said });
        said
    };
    if let Some((status, media_type, answer)) = answer(said, &body) {
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
        )?;
    }
    Ok(())
}

fn answer(said: Says, request: &str) -> Option<(&'static str, &'static str, String)> {
    const SOAP: &str = "application/soap+xml; charset=UTF-8";
    let message_id = request.split("<id root=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let acknowledged = |code: &str, version: &str| {
        format!(
            "<e:Envelope xmlns:e=\"{version}\"><e:Body><MCCI_IN000002UV01 xmlns=\"urn:hl7-org:v3\" \
             ITSVersion=\"XML_1.0\"><acknowledgement><typeCode code=\"{code}\"/><targetMessage><id \
             root=\"{message_id}\"/></targetMessage></acknowledgement></MCCI_IN000002UV01></e:Body></e:Envelope>"
        )
    };
    let soap12 = "http://www.w3.org/2003/05/soap-envelope";
    Some(match said {
        Says::Accepts => ("200 OK", SOAP, acknowledged("CA", soap12)),
        Says::AcceptsSloppily => {
            ("200 OK", "text/xml", acknowledged("AA", "http://schemas.xmlsoap.org/soap/envelope/"))
        }
        Says::Refuses => ("200 OK", SOAP, acknowledged("CE", soap12)),
        Says::Breaks => (
            "500 Internal Server Error",
            SOAP,
            format!(
                "<e:Envelope xmlns:e=\"{soap12}\"><e:Body><e:Fault><e:Code><e:Value>e:Receiver</e:Value></e:Code>\
                 <e:Reason><e:Text xml:lang=\"en\">no</e:Text></e:Reason></e:Fault></e:Body></e:Envelope>"
            ),
        ),
        Says::Page => ("200 OK", "text/html", "<html>Sign in</html>".to_owned()),
        Says::HangsUp => return None,
    })
}
