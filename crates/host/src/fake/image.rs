use tokio::time::Instant;

use aws::BoxFuture;

use super::{FakeHost, FakeImage};
use crate::{Error, Image, ImageId, ImageSeen, ImageStatus, Images, Result};

impl Images for FakeHost {
    fn ensure_image<'a>(&'a self, image: &'a Image) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("ensure_image", |machine| {
            let ready_from = Instant::now() + machine.start_takes;
            let fresh = || FakeImage { image: image.clone(), ready_from };
            machine.images.entry(image.id.clone()).or_insert_with(fresh);
            Ok(())
        }))
    }

    fn images(&self) -> BoxFuture<'_, Result<Vec<ImageSeen>>> {
        Box::pin(self.ask(|machine| {
            let seen = |image: &FakeImage| ImageSeen {
                id: image.image.id.clone(),
                status: match image.ready_from <= Instant::now() {
                    true => ImageStatus::Ready,
                    false => ImageStatus::Building { percent: 50 },
                },
                name: "Debian GNU/Linux 12 (bookworm)".into(),
                size_bytes: 1 << 30,
            };
            Ok(machine.images.values().map(seen).collect())
        }))
    }

    fn remove_image<'a>(&'a self, id: &'a ImageId) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("remove_image", move |machine| {
            if machine.guests.values().any(|guest| guest.guest.image == *id) {
                return Err(Error::Refused(format!("{id} is in use")));
            }
            machine.images.remove(id);
            Ok(())
        }))
    }
}
