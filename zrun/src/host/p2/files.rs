//! Calls on paths, judged when they fail: what the program is told, and what the user reads.

use wasmtime::component::{LinkerInstance, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::filesystem;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    self as files, DescriptorFlags, DescriptorStat, ErrorCode, HostDescriptor as _, NewTimestamp,
    OpenFlags, PathFlags,
};

use super::{Context, Host};
use crate::host::fs::{Failure, Intent, join};

pub(super) fn guard_preopens(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    instance.func_wrap("get-directories", |mut store: Context<'_>, (): ()| {
        let host = store.data_mut();
        let found = filesystem::preopens::Host::get_directories(&mut host.filesystem())?;
        for (descriptor, name) in &found {
            host.shared
                .directories
                .insert(descriptor.rep(), name.clone());
        }
        Ok((found,))
    })
}

pub(super) fn guard_files(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Dir = Resource<Descriptor>;
    type Open = (Dir, PathFlags, String, OpenFlags, DescriptorFlags);
    instance.func_wrap(
        "[method]descriptor.open-at",
        |mut store: Context<'_>, (dir, follow, path, open, flags): Open| {
            let host = store.data_mut();
            let rep = dir.rep();
            let opened = host
                .filesystem()
                .open_at(dir, follow, path.clone(), open, flags);
            if let Ok(opened) = &opened
                && let Some(base) = host.shared.directories.get(&rep)
            {
                let (full, _) = join(base, &path);
                host.shared.directories.insert(opened.rep(), full);
            }
            // A directory is opened with the right to change it; what changes in it is seen when it changes.
            let writes = open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
                || flags.contains(DescriptorFlags::WRITE);
            judged(
                host,
                rep,
                &path,
                if writes { Intent::Write } else { Intent::Read },
                opened,
            )
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.stat-at",
        |mut store: Context<'_>, (dir, follow, path): (Dir, PathFlags, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let stat: FsResult<DescriptorStat> =
                host.filesystem().stat_at(dir, follow, path.clone());
            judged(host, rep, &path, Intent::Read, stat)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.readlink-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let target = host.filesystem().readlink_at(dir, path.clone());
            judged(host, rep, &path, Intent::Read, target)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.read-directory",
        |mut store: Context<'_>, (dir,): (Dir,)| {
            let host = store.data_mut();
            host.shared.lists(dir.rep())?;
            match host.filesystem().read_directory(dir) {
                Ok(stream) => Ok((Ok(stream),)),
                Err(error) => {
                    let code = files::Host::convert_error_code(&mut host.filesystem(), error)?;
                    Ok((Err(code),))
                }
            }
        },
    )?;
    guard_changes(instance)
}

fn guard_changes(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Dir = Resource<Descriptor>;
    type Link = (Dir, PathFlags, String, Dir, String);
    type Times = (Dir, PathFlags, String, NewTimestamp, NewTimestamp);
    instance.func_wrap(
        "[method]descriptor.set-times-at",
        |mut store: Context<'_>, (dir, follow, path, accessed, modified): Times| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome =
                host.filesystem()
                    .set_times_at(dir, follow, path.clone(), accessed, modified);
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.create-directory-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().create_directory_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.remove-directory-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().remove_directory_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.unlink-file-at",
        |mut store: Context<'_>, (dir, path): (Dir, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().unlink_file_at(dir, path.clone());
            judged(host, rep, &path, Intent::Write, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.rename-at",
        |mut store: Context<'_>, (dir, old, to, new): (Dir, String, Dir, String)| {
            let host = store.data_mut();
            let rep = to.rep();
            let outcome = host.filesystem().rename_at(dir, old, to, new.clone());
            judged(host, rep, &new, Intent::Rename, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.link-at",
        |mut store: Context<'_>, (dir, follow, old, to, new): Link| {
            let host = store.data_mut();
            let rep = to.rep();
            let outcome = host.filesystem().link_at(dir, follow, old, to, new.clone());
            judged(host, rep, &new, Intent::Rename, outcome)
        },
    )?;
    instance.func_wrap(
        "[method]descriptor.symlink-at",
        |mut store: Context<'_>, (dir, old, new): (Dir, String, String)| {
            let host = store.data_mut();
            let rep = dir.rep();
            let outcome = host.filesystem().symlink_at(dir, old, new.clone());
            judged(host, rep, &new, Intent::Rename, outcome)
        },
    )
}

/// Notes what a call on a path has changed; turns its outcome into what the program sees, and reports it if it was
/// denied.
fn judged<T>(
    host: &mut Host,
    directory: u32,
    path: &str,
    intent: Intent,
    outcome: FsResult<T>,
) -> wasmtime::Result<(Result<T, ErrorCode>,)> {
    let code = match outcome {
        Ok(value) => {
            if let Some(base) = host.shared.directories.get(&directory) {
                host.shared.view.changed(base, path, intent);
                host.shared.uses_path(base, path, intent.access())?;
            }
            return Ok((Ok(value),));
        }
        Err(error) => files::Host::convert_error_code(&mut host.filesystem(), error)?,
    };
    let failure = match code {
        ErrorCode::NoEntry => Failure::NotFound,
        ErrorCode::NotPermitted => Failure::NotPermitted,
        _ => Failure::Other,
    };
    let Some(base) = host.shared.directories.get(&directory) else {
        return Ok((Err(code),));
    };
    let Some(verdict) = host.shared.view.judge(base, path, intent, failure) else {
        return Ok((Err(code),));
    };
    let as_access = verdict.as_access;
    host.shared.denials.deny(verdict.denied)?;
    Ok((Err(if as_access { ErrorCode::Access } else { code }),))
}
