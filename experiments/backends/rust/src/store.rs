//! The service's files: `uploads/` and `clips/` in its data folder, which it has for itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The data folder, locked as long as this lives.
pub struct Store {
    uploads: PathBuf,
    clips: PathBuf,
    _lock: File,
}

impl Store {
    /// Locks `data_dir` and removes what an earlier life left in its two folders, nothing else.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(data_dir)?;
        let data_dir = fs::canonicalize(data_dir)?;
        let lock = File::open(&data_dir)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::other("another service works in it"),
            fs::TryLockError::Error(error) => error,
        })?;
        let folders = ["uploads", "clips"].map(|name| data_dir.join(name));
        for folder in &folders {
            empty(folder)?;
        }
        let [uploads, clips] = folders;
        Ok(Self { uploads, clips, _lock: lock })
    }

    pub fn upload(&self, id: &str) -> PathBuf {
        self.uploads.join(id)
    }

    /// Where an upload is while it arrives.
    pub fn upload_part(&self, id: &str) -> PathBuf {
        self.uploads.join(format!("{id}.part"))
    }

    pub fn clips_of(&self, job: &str) -> PathBuf {
        self.clips.join(job)
    }

    pub fn clip(&self, job: &str, number: usize) -> PathBuf {
        self.clips_of(job).join(format!("{number}.mp4"))
    }

    /// Where a clip is while it is written; by its ending ffmpeg knows the format.
    pub fn clip_part(&self, job: &str, number: usize) -> PathBuf {
        self.clips_of(job).join(format!("{number}.part.mp4"))
    }
}

/// An empty folder, whatever was in it. Links go as links, also in the folder's own place.
fn empty(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_symlink() => fs::remove_file(folder)?,
        Ok(_) => {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
            return Ok(());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir(folder)
}

/// A file that is removed unless it is moved in place: whoever drops it, for whatever reason, leaves
/// nothing behind.
pub struct Part(Option<PathBuf>);

impl Part {
    /// Made at once, not by another thread: a maker that is dropped must not leave a file afterwards.
    pub fn create(path: PathBuf) -> io::Result<(Self, File)> {
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok((Self(Some(path)), file))
    }

    /// Of a file that another process is going to make.
    pub fn of_another(path: PathBuf) -> Self {
        Self(Some(path))
    }

    pub fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    pub fn move_to(mut self, place: &Path) -> io::Result<()> {
        fs::rename(self.path(), place)?;
        self.0 = None;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            remove(path);
        }
    }
}

/// Removes a file that may be gone already.
pub fn remove(path: &Path) {
    log_unless_gone(fs::remove_file(path));
}

/// Removes a folder with all that is in it, which may be gone already.
pub fn remove_folder(path: &Path) {
    log_unless_gone(fs::remove_dir_all(path));
}

fn log_unless_gone(removed: io::Result<()>) {
    if let Err(error) = removed
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::error!(error = %error, "not_removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("clip-backend-{}", crate::ids::new_id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_an_earlier_life_left_is_removed_and_links_go_as_links() {
        let (folder, precious) = (Folder::new(), Folder::new());
        fs::write(precious.0.join("kept"), "kept").unwrap();
        fs::write(folder.0.join("other"), "kept").unwrap();
        fs::create_dir_all(folder.0.join("uploads/deep/down")).unwrap();
        fs::write(folder.0.join("uploads/deep/down/old"), "old").unwrap();
        symlink(&precious.0, folder.0.join("uploads/link")).unwrap();
        symlink(&precious.0, folder.0.join("uploads/deep/link")).unwrap();
        symlink(&precious.0, folder.0.join("clips")).unwrap();

        let _store = Store::open(&folder.0).unwrap();

        assert_eq!(fs::read_dir(folder.0.join("uploads")).unwrap().count(), 0);
        assert!(fs::symlink_metadata(folder.0.join("clips")).unwrap().is_dir());
        assert!(folder.0.join("other").exists() && precious.0.join("kept").exists());
    }

    #[test]
    fn a_data_folder_has_one_service() {
        let folder = Folder::new();
        let store = Store::open(&folder.0).unwrap();
        assert!(Store::open(&folder.0).is_err());
        drop(store);
        assert!(Store::open(&folder.0).is_ok());
    }

    #[test]
    fn a_part_goes_unless_it_is_moved_in_place() {
        let folder = Folder::new();
        let (part, _) = Part::create(folder.0.join("part")).unwrap();
        drop(part);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
        let (part, _) = Part::create(folder.0.join("part")).unwrap();
        part.move_to(&folder.0.join("whole")).unwrap();
        assert!(folder.0.join("whole").exists());
    }
}
