//! A plain nginx over a registry's directory: its own configuration in a temporary folder, loopback only, in the
//! foreground, gone with the value.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::failure::Context as _;
use crate::{Failure, Host, Result};

/// Attempts to connect before nginx counts as dead, and the pause between two of them.
const ATTEMPTS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// What a server proves itself with: files in PEM.
#[derive(Debug)]
pub struct Tls {
    /// Its certificate.
    pub certificate: PathBuf,
    /// The secret key of that.
    pub key: PathBuf,
}

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    scheme: &'static str,
    config: PathBuf,
}

impl Nginx {
    /// Serves `dir`; `work` is an empty folder for nginx's own files.
    ///
    /// # Errors
    /// Fails when nginx is missing or does not answer; its log is in the message.
    pub fn start(host: &Host, dir: &Path, work: &Path) -> Result<Self> {
        Self::launch(host, dir, work, None)
    }

    /// The same over TLS, with HTTP/2.
    ///
    /// # Errors
    /// As [`Nginx::start`].
    pub fn start_tls(host: &Host, dir: &Path, work: &Path, tls: &Tls) -> Result<Self> {
        Self::launch(host, dir, work, Some(tls))
    }

    fn launch(host: &Host, dir: &Path, work: &Path, tls: Option<&Tls>) -> Result<Self> {
        let nginx = host.find("nginx").ok_or_else(|| {
            Failure::new("nginx is not installed")
                .hint("cargo xtask setup, or: sudo apt-get install nginx-light")
        })?;
        fs::create_dir_all(work).context(|| format!("create {}", work.display()))?;
        let config = work.join("nginx.conf");
        let log = work.join("error.log");
        // Between our choice of a free port and nginx's use of it another process may take it.
        for _ in 0..5 {
            let address = free_address()?;
            fs::write(&config, configuration(dir, work, &listen(address, tls)))
                .context(|| format!("write {}", config.display()))?;
            let child = Command::new(&nginx)
                .arg("-p")
                .arg(work)
                .arg("-c")
                .arg(&config)
                .arg("-e")
                .arg(&log)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context(|| "start nginx".to_owned())?;
            let mut server = Self {
                child,
                address,
                scheme: if tls.is_some() { "https" } else { "http" },
                config: config.clone(),
            };
            if server.ready()? {
                return Ok(server);
            }
        }
        let said = fs::read_to_string(&log).unwrap_or_default();
        Err(Failure::new(format!("nginx did not start:\n{said}")))
    }

    /// Where it listens, as a URL without a trailing slash.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    fn ready(&mut self) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            if self
                .child
                .try_wait()
                .context(|| "wait for nginx".to_owned())?
                .is_some()
            {
                return Ok(false);
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(true);
            }
            std::thread::sleep(PAUSE);
        }
        Ok(false)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(|| "find a free port".to_owned())?;
    listener
        .local_addr()
        .context(|| "find a free port".to_owned())
}

/// Where and how it listens.
fn listen(address: SocketAddr, tls: Option<&Tls>) -> String {
    match tls {
        None => format!("listen {address};"),
        Some(tls) => format!(
            "listen {address} ssl http2;\n    ssl_certificate {};\n    ssl_certificate_key {};",
            tls.certificate.display(),
            tls.key.display()
        ),
    }
}

/// The whole configuration: what an operator would write, plus paths that need no privileges.
fn configuration(dir: &Path, work: &Path, listen: &str) -> String {
    let mut text = format!(
        "daemon off;\nmaster_process off;\npid {work}/nginx.pid;\nerror_log {work}/error.log;\n\
         events {{ worker_connections 256; }}\nhttp {{\n  access_log {work}/access.log;\n",
        work = work.display()
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {}/{kind};", work.display());
    }
    let _ = write!(
        text,
        "  default_type application/octet-stream;\n  server {{\n    {listen}\n    root {dir};\n    etag on;\n\
         \n    # Everything is content-addressed or numbered, except these two files.\n    \
         location / {{ add_header Cache-Control \"public, max-age=31536000, immutable\"; }}\n    \
         location = /head {{ add_header Cache-Control no-cache; }}\n    \
         location = /checkpoint {{ add_header Cache-Control no-cache; }}\n    \
\n    # Writers' own files.\n    \
         location /journal/ {{ return 404; }}\n    location /tmp/ {{ return 404; }}\n  }}\n}}\n",
        dir = dir.display()
    );
    text
}
