//! Where an upload's bytes go while they arrive: to the disk, or as found in the wild.

use std::io;

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use crate::config::UploadTo;
use crate::store::{Part, Store};

pub struct Sink {
    bytes: u64,
    goes_to: GoesTo,
}

enum GoesTo {
    /// A file that only has to be moved.
    Disk(Part, File),
    /// A file in the system's temporary folder, which may be on another file system, or memory.
    Tmp(Part, File),
    Memory(Vec<u8>),
}

impl Sink {
    pub fn open(upload_to: UploadTo, store: &Store, id: &str) -> io::Result<Self> {
        let goes_to = match upload_to {
            UploadTo::Memory => GoesTo::Memory(Vec::new()),
            UploadTo::Disk => {
                let (part, file) = Part::create(store.upload_part(id))?;
                GoesTo::Disk(part, File::from_std(file))
            }
            UploadTo::Tmp => {
                let path = std::env::temp_dir().join(format!("clip-backend-{id}"));
                let (part, file) = Part::create(path)?;
                GoesTo::Tmp(part, File::from_std(file))
            }
        };
        Ok(Self { bytes: 0, goes_to })
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.bytes += chunk.len() as u64;
        match &mut self.goes_to {
            GoesTo::Disk(_, file) | GoesTo::Tmp(_, file) => file.write_all(chunk).await,
            GoesTo::Memory(memory) => {
                memory.extend_from_slice(chunk);
                Ok(())
            }
        }
    }

    /// Waits for the last write: tokio tells of a full disk no sooner.
    pub async fn finish(&mut self) -> io::Result<()> {
        match &mut self.goes_to {
            GoesTo::Disk(_, file) | GoesTo::Tmp(_, file) => file.flush().await,
            GoesTo::Memory(_) => Ok(()),
        }
    }

    /// Moves what came to its place in the store; returns its size.
    pub async fn place(self, store: &Store, id: &str) -> io::Result<u64> {
        let place = store.upload(id);
        match self.goes_to {
            GoesTo::Disk(part, _) => part.move_to(&place)?,
            GoesTo::Memory(memory) => {
                let (part, file) = Part::create(store.upload_part(id))?;
                let mut file = File::from_std(file);
                file.write_all(&memory).await?;
                file.flush().await?;
                part.move_to(&place)?;
            }
            GoesTo::Tmp(_came, mut from) => {
                let (part, file) = Part::create(store.upload_part(id))?;
                let mut file = File::from_std(file);
                from.rewind().await?;
                tokio::io::copy(&mut from, &mut file).await?;
                file.flush().await?;
                part.move_to(&place)?;
            }
        }
        Ok(self.bytes)
    }
}
