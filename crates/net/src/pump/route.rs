//! Which way do the bytes of a transfer go?
use wire::{Protection, RepresentationType};

/// One end of a transfer, as the pump sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A file of ours, with a descriptor.
    File,
    /// Something that gives or takes pieces in memory: a listing, a far store, a conversion.
    Pieces,
    /// The data connection.
    Data,
}

/// A way through the pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// [`crate::pump::send_file`]: inside the kernel, where nothing is encrypted.
    SendFile,
    /// [`crate::pump::receive_file`]: inside the kernel, where nothing is encrypted.
    ReceiveFile,
    /// [`crate::pump::send()`], piece by piece.
    Send,
    /// [`crate::pump::receive()`], piece by piece.
    Receive,
}

/// The route of a transfer. The kernel's routes need a file, bytes that stay as they are (TYPE I, or L 8, which is the
/// same on a machine of 8-bit bytes, RFC 959 3.1.1.4) and no encryption of ours; everything else goes in pieces, which
/// every end can give and take. None when not exactly one end is the data connection.
pub fn choose(
    source: End,
    sink: End,
    representation: RepresentationType,
    protection: Protection,
) -> Option<Route> {
    let as_is = matches!(representation, RepresentationType::Image | RepresentationType::Local(8));
    let in_kernel = as_is && protection == Protection::Clear;
    match (source, sink) {
        (End::File, End::Data) if in_kernel => Some(Route::SendFile),
        (End::Data, End::File) if in_kernel => Some(Route::ReceiveFile),
        (End::File | End::Pieces, End::Data) => Some(Route::Send),
        (End::Data, End::File | End::Pieces) => Some(Route::Receive),
        (End::Data, End::Data) | (End::File | End::Pieces, End::File | End::Pieces) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: [RepresentationType; 5] = [
        RepresentationType::Ascii,
        RepresentationType::Ebcdic,
        RepresentationType::Image,
        RepresentationType::Local(8),
        RepresentationType::Local(36),
    ];
    const PROTECTIONS: [Protection; 4] =
        [Protection::Clear, Protection::Safe, Protection::Confidential, Protection::Private];

    #[test]
    fn the_kernel_moves_a_clear_image_file_and_nothing_else() {
        for representation in TYPES {
            for protection in PROTECTIONS {
                let plain =
                    matches!(representation, RepresentationType::Image | RepresentationType::Local(8))
                        && protection == Protection::Clear;
                let way = |source, sink| choose(source, sink, representation, protection);
                assert_eq!(way(End::File, End::Data) == Some(Route::SendFile), plain);
                assert_eq!(way(End::Data, End::File) == Some(Route::ReceiveFile), plain);
                assert_eq!(way(End::Pieces, End::Data), Some(Route::Send));
                assert_eq!(way(End::Data, End::Pieces), Some(Route::Receive));
            }
        }
    }

    #[test]
    fn a_transfer_has_exactly_one_data_connection() {
        for source in [End::File, End::Pieces, End::Data] {
            for sink in [End::File, End::Pieces, End::Data] {
                let route = choose(source, sink, RepresentationType::Image, Protection::Clear);
                assert_eq!(route.is_some(), (source == End::Data) != (sink == End::Data));
            }
        }
    }
}
