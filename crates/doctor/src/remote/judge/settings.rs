//! How should clients be set up, so that they use the method that works?
use crate::finding::ClientSettings;
use crate::remote::facts::{Cover, End, Facts, Upload};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use client::DataMethod;

/// For the best method that works; none where none does, or where all clients are to stay away.
pub(super) fn settings(facts: &Facts) -> Option<ClientSettings> {
    let best = facts.best()?;
    let tls = best.cover == Cover::Tls;
    if facts.is_refused() || (!tls && facts.seen.is_some()) {
        return None;
    }
    let upload = matches!(best.end, End::CommandRefused(_));
    if upload && matches!(facts.files.upload, Some(Upload::Refused(_) | Upload::Failed(1, _))) {
        return None;
    }
    let passive = best.method.is_passive();
    let implicit = facts.implicit;
    let mut pasv = vec![if passive { "--mode passive" } else { "--mode active" }];
    pasv.push(match (tls, implicit) {
        (true, true) => "--tls implicit",
        (true, false) => "--tls required",
        (false, _) => "--tls off",
    });
    let mut curl = Vec::new();
    match best.method {
        // --ftp-skip-pasv-ip is curl's own default since 7.74.
        DataMethod::Epsv => {}
        DataMethod::Pasv => curl.push("--disable-epsv --ftp-skip-pasv-ip".to_owned()),
        DataMethod::Eprt => curl.push("--ftp-port -".to_owned()),
        DataMethod::Port => curl.push("--disable-eprt --ftp-port -".to_owned()),
    }
    let mut lftp = vec![format!("set ftp:passive-mode {}", if passive { "yes" } else { "no" })];
    if passive {
        let epsv = if best.method == DataMethod::Epsv { "yes" } else { "no" };
        lftp.push(format!("set ftp:prefer-epsv {epsv}"));
    }
    if best.method == DataMethod::Pasv
        && best.announced.is_some_and(|announced| announced.ip() != best.peer.ip())
    {
        lftp.push("set ftp:fix-pasv-address yes".to_owned());
    }
    let unverified = tls && facts.tls.doubt.is_some();
    if tls {
        if !implicit {
            curl.push("--ssl-reqd".to_owned());
        }
        lftp.push("set ftp:ssl-force yes".to_owned());
        lftp.push("set ftp:ssl-protect-data yes".to_owned());
        if facts.anonymous {
            lftp.push("set ftp:ssl-allow-anonymous yes".to_owned());
        }
        // Without it they refuse it; the finding on the certificate says what that costs.
        if unverified {
            let pinned =
                facts.tls.pins.as_ref().map(|(sha1, key)| (colons(sha1), BASE64_STANDARD.encode(key)));
            let (for_lftp, for_curl) = match pinned {
                Some((print, key)) => (
                    format!("set ssl:verify-certificate/{print} no"),
                    // `-k` alone would accept any certificate; with the pin it accepts this one.
                    format!("-k --pinnedpubkey sha256//{key}"),
                ),
                None => ("set ssl:verify-certificate no".to_owned(), "--insecure".to_owned()),
            };
            curl.push(for_curl);
            lftp.push(for_lftp);
        }
    } else {
        lftp.push("set ftp:ssl-allow no".to_owned());
    }
    let encryption = match (tls, implicit) {
        (true, true) => "Require implicit FTP over TLS",
        (true, false) => "Require explicit FTP over TLS",
        (false, _) => "Only use plain FTP (insecure)",
    };
    let pin = facts.tls.fingerprint.as_ref().filter(|_| unverified).map(|print| format!(" --pin {print}"));
    let pasv = pasv.join(" ") + pin.as_deref().unwrap_or_default();
    if best.small_segments {
        // They know of no way around it.
        return Some(ClientSettings { pasv, curl: None, lftp: None, filezilla: None, upload });
    }
    Some(ClientSettings {
        pasv,
        curl: Some(curl.join(" ")),
        lftp: Some(lftp.join("; ")),
        filezilla: Some(format!(
            "Encryption: {encryption}; Transfer mode: {}",
            if passive { "Passive" } else { "Active" }
        )),
        upload,
    })
}

/// As lftp writes a fingerprint.
fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
