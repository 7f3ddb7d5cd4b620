//! Where a writer keeps the registry: one small trait, and a local directory.

#[cfg(feature = "object")]
mod object;
#[cfg(feature = "object")]
mod place;

#[cfg(feature = "object")]
pub use object::ObjectStorage;
#[cfg(feature = "object")]
pub use place::Place;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::path;

/// What a lock protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A whole commit. It only saves work: without it, losers of the race for a journal slot start
    /// again.
    Commit,
    /// Comparing and swapping `head`. Without it, `head` could go back to an older state.
    Head,
    /// Making the catalogue, whose lists are read, changed and written. Without it, one maker could
    /// write over what another has added.
    Site,
}

/// Held while a lock is held.
pub trait Guard {}

/// What a writer needs of the place where the registry lies. Paths are relative, with `/`.
///
/// [`Storage::create`] is the commit point, so it must be atomic even between machines.
pub trait Storage: Sync {
    /// Reads a file of at most `max` bytes; none when there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, or is longer.
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>>;

    /// Creates a file, whole and durable, unless there is one of this name; tells whether it did.
    ///
    /// # Errors
    /// When it cannot be written. There is no such file then, or a whole one.
    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool>;

    /// Writes a file that has one possible content, whole. It is durable after the next
    /// [`Storage::barrier`].
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Makes all files that were put durable.
    ///
    /// # Errors
    /// When that fails.
    fn barrier(&self) -> io::Result<()>;

    /// Replaces a file by a new one, atomically and durably.
    ///
    /// # Errors
    /// When it cannot be written. The old file is still there then, or the new one. Where locks do
    /// not keep others away, `ResourceBusy` says that another writer has replaced the file since it
    /// was read: read it again.
    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Removes a folder of files that nobody needs any more.
    ///
    /// # Errors
    /// When that fails. That there is no such folder is no failure.
    fn remove_folder(&self, path: &str) -> io::Result<()>;

    /// Waits for a lock and holds it until the guard is dropped. It ends with the process.
    ///
    /// # Errors
    /// When it cannot be taken.
    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>>;
}

/// A point between two changes of the file system, at which a writer may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A temporary file is about to be written for this path.
    Write(&'a str),
    /// The temporary file is about to get its name.
    Publish(&'a str),
    /// Files that were put are about to be made durable.
    Barrier,
    /// A folder is about to be removed.
    Remove(&'a str),
}

type Hook = Box<dyn Fn(Step<'_>) -> io::Result<()> + Send + Sync>;

/// A registry in a local directory.
pub struct DirStorage {
    folder: PathBuf,
    /// Files put since the last barrier.
    pending: Mutex<Vec<PathBuf>>,
    hook: Option<Hook>,
}

/// More files than this are made durable by one call for the whole file system, if there is one.
const MANY_FILES: usize = 64;
/// Temporary files older than this were left by writers that died.
const STALE: Duration = Duration::from_hours(1);

impl DirStorage {
    /// The registry in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            pending: Mutex::new(Vec::new()),
            hook: None,
        }
    }

    /// Calls `hook` before every change of the file system. Tests of crashes end the process in
    /// it, or make it fail.
    #[must_use]
    pub fn with_hook(
        self,
        hook: impl Fn(Step<'_>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            hook: Some(Box::new(hook)),
            ..self
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn at(&self, step: Step<'_>) -> io::Result<()> {
        self.hook.as_ref().map_or(Ok(()), |hook| hook(step))
    }

    fn place(&self, path: &str) -> PathBuf {
        path.split('/')
            .fold(self.folder.clone(), |at, part| at.join(part))
    }

    /// Writes a temporary file, readable by everyone whom the umask allows: web servers run as
    /// somebody else.
    fn temporary(&self, path: &str, bytes: &[u8]) -> io::Result<NamedTempFile> {
        self.at(Step::Write(path))?;
        let folder = self.place(path::TEMPORARY);
        fs::create_dir_all(&folder)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        Ok(file)
    }

    fn remove_stale(&self, now: std::time::SystemTime) -> io::Result<()> {
        let folder = self.place(path::TEMPORARY);
        for entry in missing_is_none(fs::read_dir(folder))?.into_iter().flatten() {
            let entry = entry?;
            let modified = missing_is_none(entry.metadata().and_then(|meta| meta.modified()))?;
            let age = modified.and_then(|time| now.duration_since(time).ok());
            if age.is_some_and(|age| age > STALE) {
                missing_is_none(fs::remove_file(entry.path()))?;
            }
        }
        Ok(())
    }
}

impl Storage for DirStorage {
    fn read(&self, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = missing_is_none(File::open(self.place(path)))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len <= max) {
            Ok(Some(bytes))
        } else {
            let message = format!("it has more than {max} bytes");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
        }
    }

    fn create(&self, path: &str, bytes: &[u8]) -> io::Result<bool> {
        let place = self.place(path);
        let file = self.temporary(path, bytes)?;
        file.as_file().sync_all()?;
        create_parent(&place)?;
        self.at(Step::Publish(path))?;
        match file.persist_noclobber(&place) {
            Ok(_) => {
                sync_parents(&self.folder, &place)?;
                Ok(true)
            }
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.error),
        }
    }

    fn put(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(path);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        // A writer that repairs finds most files in place. After a power cut one may be there with
        // other content, so names are not enough.
        let present = self.read(path, length).ok().flatten();
        if present.as_deref() != Some(bytes) {
            let file = self.temporary(path, bytes)?;
            create_parent(&place)?;
            self.at(Step::Publish(path))?;
            file.persist(&place)?;
        }
        let mut pending = self.pending.lock().expect("no holder of this lock panics");
        pending.push(place);
        Ok(())
    }

    fn barrier(&self) -> io::Result<()> {
        self.at(Step::Barrier)?;
        let mut pending = self.pending.lock().expect("no holder of this lock panics");
        let files = std::mem::take(&mut *pending);
        drop(pending);
        if files.len() > MANY_FILES && sync_file_system(&self.folder)? {
            return Ok(());
        }
        for file in &files {
            File::open(file)?.sync_all()?;
        }
        for file in &files {
            sync_parents(&self.folder, file)?;
        }
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(path);
        let file = self.temporary(path, bytes)?;
        // Plain web servers make an ETag of a file's second of modification and its size. Two
        // states of `head` within one second would look the same to a client that asks whether it
        // changed, so each is dated a whole second after the one before.
        let old = missing_is_none(fs::metadata(&place).and_then(|meta| meta.modified()))?;
        let new = file.as_file().metadata()?.modified()?;
        if let Some(least) = old.map(|old| old + Duration::from_secs(1))
            && least > new
        {
            file.as_file().set_modified(least)?;
        }
        file.as_file().sync_all()?;
        create_parent(&place)?;
        self.at(Step::Publish(path))?;
        file.persist(&place)?;
        sync_parents(&self.folder, &place)
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        self.at(Step::Remove(path))?;
        missing_is_none(fs::remove_dir_all(self.place(path))).map(drop)
    }

    fn lock(&self, scope: Scope) -> io::Result<Box<dyn Guard + '_>> {
        let name = match scope {
            Scope::Commit => "journal/commit.lock",
            Scope::Head => "journal/head.lock",
            Scope::Site => "journal/site.lock",
        };
        let place = self.place(name);
        create_parent(&place)?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&place)?;
        file.lock()?;
        if scope == Scope::Commit {
            // Writing to the lock file tells the file system's own time.
            file.set_len(0)?;
            (&file).write_all(b"locked by a writer while it commits\n")?;
            self.remove_stale(file.metadata()?.modified()?)?;
        }
        Ok(Box::new(FileLock { _file: file }))
    }
}

/// Closing the file releases the lock.
struct FileLock {
    _file: File,
}

impl Guard for FileLock {}

fn missing_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn create_parent(place: &Path) -> io::Result<()> {
    place.parent().map_or(Ok(()), fs::create_dir_all)
}

/// Makes the names on the way from the registry's folder to a file durable.
fn sync_parents(folder: &Path, place: &Path) -> io::Result<()> {
    for parent in place.ancestors().skip(1) {
        // Windows neither needs nor allows this.
        if cfg!(unix) {
            File::open(parent)?.sync_all()?;
        }
        if parent == folder {
            break;
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(true)
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> io::Result<bool> {
    Ok(false)
}
