//! The same content under another name, as cheaply as the file system lets us.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// Makes the content of an open file visible at `to`, where nobody writes: as a link to the very inode, else as a copy.
pub(super) fn show(file: &File, to: &Path) -> io::Result<()> {
    link(file, to).or_else(|_| copy(file, to, 0o400))
}

/// Makes a private copy that can be written. It shares blocks with the original where the file system can do that.
pub(super) fn private(file: &File, to: &Path) -> io::Result<()> {
    copy(file, to, 0o600)
}

/// Links the inode that is open, whatever its path means by now.
#[cfg(target_os = "linux")]
fn link(file: &File, to: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(
        rustix::fs::CWD,
        opened,
        rustix::fs::CWD,
        to,
        rustix::fs::AtFlags::SYMLINK_FOLLOW,
    )?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn copy(file: &File, to: &Path, mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let copy = options.open(to)?;
    fill(file, &copy)?;
    // Programs compare the times of files to decide what there is to do.
    if let Ok(modified) = file.metadata()?.modified() {
        copy.set_times(FileTimes::new().set_modified(modified))?;
    }
    Ok(())
}

/// Copies all of one file to another, which is empty.
pub(super) fn fill(mut from: &File, mut to: &File) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if rustix::fs::ioctl_ficlone(to, from).is_ok() {
        return Ok(());
    }
    io::copy(&mut from, &mut to)?;
    Ok(())
}

/// Whether two files hold the same bytes.
pub(super) fn same(mut a: &File, mut b: &File) -> io::Result<bool> {
    let len = a.metadata()?.len();
    if len != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut rest = len;
    while rest > 0 {
        let chunk = usize::try_from(rest).unwrap_or(usize::MAX).min(left.len());
        let (Some(left), Some(right)) = (left.get_mut(..chunk), right.get_mut(..chunk)) else {
            return Ok(false);
        };
        a.read_exact(left)?;
        b.read_exact(right)?;
        if left != right {
            return Ok(false);
        }
        rest -= chunk as u64;
    }
    Ok(true)
}

/// Opens a file of which the program may see the content; `None` for directories, devices, pipes and sockets.
pub(super) fn regular(path: &Path) -> io::Result<Option<File>> {
    // Looking first keeps us from opening a pipe or a device; looking again at what was opened is what counts.
    if !fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    Ok(file.metadata()?.is_file().then_some(file))
}
