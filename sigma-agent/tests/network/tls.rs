//! What stands in front of a hub for https: it ends the encryption and passes everything on.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::lab::Lab;

/// How long nothing is done when there was nothing to do.
const PAUSE: Duration = Duration::from_millis(2);

/// A server at port 443, in front of the hub at port 3000 of the same machine.
pub struct Gate {
    is_over: Arc<AtomicBool>,
    /// The CA that agents must trust.
    pub ca_file: PathBuf,
    /// Size of the certificates that are sent to each of them.
    pub chain_bytes: usize,
}

impl Gate {
    /// A gate in `space` whose certificate is for `name`.
    pub fn start(lab: &Lab, space: &str, name: &str) -> Self {
        let ca_file = lab.folder().join("ca.pem");
        let (chain, key) = chain(name, &ca_file);
        let chain_bytes = chain.iter().map(|certificate| certificate.len()).sum();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let config = Arc::new(config);
        let listener = lab.within(space, || TcpListener::bind((Ipv6Addr::UNSPECIFIED, 443)).unwrap());
        listener.set_nonblocking(true).unwrap();
        let space = lab.full_name(space);
        let is_over = Arc::new(AtomicBool::new(false));
        let gate = Self { is_over: Arc::clone(&is_over), ca_file, chain_bytes };
        thread::spawn(move || {
            Lab::enter(&space);
            while !is_over.load(Ordering::SeqCst) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(PAUSE);
                    continue;
                };
                let (config, is_over) = (Arc::clone(&config), Arc::clone(&is_over));
                let hub = TcpStream::connect((Ipv6Addr::LOCALHOST, 3000)).unwrap();
                // However a connection ends, the agent must cope with it.
                thread::spawn(move || pass(&stream, ServerConnection::new(config).unwrap(), &hub, &is_over));
            }
        });
        gate
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// Root, intermediate and leaf, as public CAs have them; names make the leaf as large as theirs.
fn chain(name: &str, ca_file: &Path) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let authority = |common_name: &str| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, common_name);
        (params, KeyPair::generate().unwrap())
    };
    let (root, root_key) = authority("Story Root");
    fs::write(ca_file, root.self_signed(&root_key).unwrap().pem()).unwrap();
    let (intermediate, intermediate_key) = authority("Story Intermediate");
    let signed = intermediate.signed_by(&intermediate_key, &Issuer::new(root, root_key)).unwrap();
    let names: Vec<String> = std::iter::once(name.to_owned())
        .chain((0..40).map(|n| format!("name-{n}.of-the-same.hub.test")))
        .collect();
    let key = KeyPair::generate().unwrap();
    let issuer = Issuer::new(intermediate, intermediate_key);
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    (vec![leaf.der().clone(), signed.der().clone()], key)
}

/// Passes bytes on in both directions until one side closes.
fn pass(
    mut agent: &TcpStream,
    mut tls: ServerConnection,
    mut hub: &TcpStream,
    is_over: &AtomicBool,
) -> io::Result<()> {
    agent.set_nonblocking(true)?;
    hub.set_nonblocking(true)?;
    let mut bytes = [0; 4096];
    while !is_over.load(Ordering::SeqCst) {
        match tls.read_tls(&mut agent) {
            Ok(0) => return Ok(()),
            Ok(_) => {
                tls.process_new_packets().map_err(io::Error::other)?;
            }
            Err(error) => only_not_yet(error)?,
        }
        match tls.reader().read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => hub.write_all(&bytes[..count])?,
            Err(error) => only_not_yet(error)?,
        }
        match hub.read(&mut bytes) {
            Ok(0) => return Ok(()),
            Ok(count) => tls.writer().write_all(&bytes[..count])?,
            Err(error) => only_not_yet(error)?,
        }
        while tls.wants_write() {
            if let Err(error) = tls.write_tls(&mut agent) {
                only_not_yet(error)?;
                break;
            }
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn only_not_yet(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::WouldBlock { Ok(()) } else { Err(error) }
}
