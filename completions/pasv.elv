
use builtin;
use str;

set edit:completion:arg-completer[pasv] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'pasv'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'pasv'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand serve 'Share a folder over FTP'
            cand ls 'List a directory of a site, sorted by name'
            cand get 'Fetch files of a site, or with -r whole trees'
            cand put 'Store files at a site, or with -r whole trees'
            cand cat 'Write files of a site to stdout'
            cand rm 'Delete files of a site, or with -r whole trees'
            cand mv 'Rename or move a file or directory within a site'
            cand mkdir 'Make directories of a site'
            cand rmdir 'Remove empty directories of a site'
            cand stat 'Show what a site tells of a file or directory'
            cand trace 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections'
            cand demo 'Run a site and a client on loopback, and draw one passive and one active transfer'
            cand doctor 'Find out why a site cannot be used from here, and what helps'
            cand forget 'Forget the certificates of sites, and that they were seen with TLS'
            cand passwd 'Make the line of a password file from a password'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pasv;serve'= {
            cand --root 'The folder to share'
            cand --listen 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times'
            cand --passive-ports 'The ports that clients open data connections to. The firewall must let them in'
            cand --external 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site'
            cand --user 'Let this user in, with the password in the file (or one made up and shown); nobody else then'
            cand --log-format 'How log lines are written, to stderr'
            cand --log-level 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`'
            cand --xferlog 'Append the classic transfer log to a file'
            cand --ready-file 'Write the addresses and ports as JSON to a file when the site is up'
            cand --sync 'When an upload counts as done: on the disk, or with the kernel'
            cand --keep-parts 'How long the part of a broken upload is kept for the client to resume'
            cand --umask 'Permission bits that uploads do not get'
            cand --active-port 'Dial active data connections from this port; the classic one is 20, which needs root'
            cand --tls 'Where TLS may be, or must be, on the addresses of --listen'
            cand --listen-tls 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times'
            cand --cert 'The certificate and those above it, in PEM; read again when the file changes. May be given several times, each with its --key: the name that a client asks for decides. Without any, one is made at the first start and kept'
            cand --key 'The key of the certificate, in PEM'
            cand --acme 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority''s terms of service. Beside --cert it is one more certificate, shown to who asks for its names'
            cand --acme-directory 'The ACME directory of the authority; by itself, Let''s Encrypt'
            cand --acme-contact 'Where the authority can reach you, told to it when the account is made. May be given several times'
            cand --acme-listen 'Where the authority''s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it'
            cand --acme-ca 'Who vouches for the directory itself, beside the system''s authorities, in PEM: for an authority of your own'
            cand --data-reuse 'Must a protected data connection resume the TLS session of its own control connection?'
            cand --client-cert 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]'
            cand --client-ca 'The authorities that vouch for clients'' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone'
            cand --client-crl 'Lists of clients'' certificates that are revoked, in PEM; read again when the file changes, as the other two are'
            cand --client-cert-users 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several'
            cand --client-cert-login 'What the certificate of a user is worth at the login [default: with-password]'
            cand --max-handshakes-per-address 'TLS handshakes of one address at once'
            cand --login-timeout 'From the connection to the login'
            cand --idle-timeout 'From one command to the next, outside transfers'
            cand --idle-timeout-most 'The most that SITE IDLE can ask for'
            cand --data-timeout 'From a transfer''s command to its data connection'
            cand --stall-timeout 'In a transfer, without a byte moving'
            cand --port-wait 'How long PASV waits for a free port'
            cand --claim-timeout 'From PASV to the transfer that uses it'
            cand --remember-logins 'How long a verified password is remembered, so that eight connections do not pay eight times'
            cand --max-sessions 'Sessions in all'
            cand --max-sessions-per-address 'Sessions from one address'
            cand --max-line 'Bytes in a command line'
            cand --max-commands-before-login 'Commands before the login'
            cand --max-stat-lines 'Lines in the answer to STAT with a pathname'
            cand --max-queue 'Commands that wait for the end of a transfer'
            cand --delay-after-failures 'Failed logins of an address before its answers are held back'
            cand --failure-delay 'How long they are held back'
            cand --refuse-after-failures 'Failed logins of an address before it is refused'
            cand --failure-window 'How long a failed login counts'
            cand --write 'Let users upload, rename and remove'
            cand --anonymous 'Let anybody in, beside the users'
            cand --explain 'Tell in the banner what the firewalls on both sides must let through, rule by rule'
            cand -q 'Print no banner'
            cand --quiet 'Print no banner'
            cand --no-passive 'Refuse EPSV and PASV'
            cand --no-active 'Refuse EPRT and PORT'
            cand --allow-ccc 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
            cand --allow-truncated 'Publish uploads that end without close_notify, which anybody in between may have cut'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;ls'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -r 'Whole tree, one path per line'
            cand --recursive 'Whole tree, one path per line'
            cand -1 'Names only, one per line'
            cand --names 'Names only, one per line'
            cand --json 'One JSON object per line and entry'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;get'= {
            cand -o 'Write to this file; - is stdout'
            cand --output 'Write to this file; - is stdout'
            cand -O 'Write into this folder'
            cand --output-dir 'Write into this folder'
            cand --type 'Representation type: i, bytes as they are (default), or a, text'
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -r 'Fetch directories and all that is in them'
            cand --recursive 'Fetch directories and all that is in them'
            cand -c 'Go on where the last try ended'
            cand --continue 'Go on where the last try ended'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;put'= {
            cand --type 'Representation type: i, bytes as they are (default), or a, text'
            cand --verify 'What proves that a file has arrived: the site''s SIZE, its HASH too where it has one, or nothing but its word'
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -r 'Store folders and all that is in them'
            cand --recursive 'Store folders and all that is in them'
            cand -c 'Go on where the last try ended'
            cand --continue 'Go on where the last try ended'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;cat'= {
            cand --type 'Representation type: i, bytes as they are (default), or a, text'
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;rm'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -r 'Delete directories and all that is in them'
            cand --recursive 'Delete directories and all that is in them'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;mv'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;mkdir'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -p 'The directories above it too, where they are missing; one that is there already is no mistake'
            cand --parents 'The directories above it too, where they are missing; one that is there already is no mistake'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;rmdir'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;stat'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand --json 'As a JSON object'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;trace'= {
            cand --mode 'Who opens the data connection: we (passive), the server (active), or whatever works (auto: EPSV, then PASV, then active)'
            cand --data-port 'Local port of the data connection: any, or next: the control connection''s port plus one'
            cand --timeout 'Longest wait for a connection or a reply: 30s, 5m'
            cand --stall 'Longest time a transfer may stand still: 30s, 5m'
            cand --password-file 'Read the password from the first line of this file'
            cand --tls 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it'
            cand --pin 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated'
            cand --cert 'Our own certificate (PEM), for sites that ask for one'
            cand --key 'Its private key (PEM), if it is not in the same file'
            cand -v 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand --verbose 'Show the dialogue on stderr, secrets masked, and both connections'' ports'
            cand -q 'Say nothing but errors'
            cand --quiet 'Say nothing but errors'
            cand --insecure 'Take any certificate: whoever is in between reads everything'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;demo'= {
            cand --size 'How many bytes to move'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'pasv;doctor'= {
            cand --transcript 'Write all that was said to this file, secrets masked: for the keeper of the site'
            cand --password-file 'Read the password from the first line of this file'
            cand --pin 'Take this certificate of the site and no other before a password is said: sha256: and 64 hexadecimal digits. May be repeated'
            cand --json 'One JSON object on stdout'
            cand --write 'Store a small file of a name of our own three times, have it proven by HASH or SIZE, and delete it'
            cand --clear 'Say the password in clear too, to look at both; an anonymous login is always tried in clear'
            cand --slow 'Find idle time-outs too: leaves control connections alone for up to 5 minutes'
            cand --insecure 'Take any certificate: whoever is in between reads the password'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;forget'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;passwd'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pasv;help'= {
            cand serve 'Share a folder over FTP'
            cand ls 'List a directory of a site, sorted by name'
            cand get 'Fetch files of a site, or with -r whole trees'
            cand put 'Store files at a site, or with -r whole trees'
            cand cat 'Write files of a site to stdout'
            cand rm 'Delete files of a site, or with -r whole trees'
            cand mv 'Rename or move a file or directory within a site'
            cand mkdir 'Make directories of a site'
            cand rmdir 'Remove empty directories of a site'
            cand stat 'Show what a site tells of a file or directory'
            cand trace 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections'
            cand demo 'Run a site and a client on loopback, and draw one passive and one active transfer'
            cand doctor 'Find out why a site cannot be used from here, and what helps'
            cand forget 'Forget the certificates of sites, and that they were seen with TLS'
            cand passwd 'Make the line of a password file from a password'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pasv;help;serve'= {
        }
        &'pasv;help;ls'= {
        }
        &'pasv;help;get'= {
        }
        &'pasv;help;put'= {
        }
        &'pasv;help;cat'= {
        }
        &'pasv;help;rm'= {
        }
        &'pasv;help;mv'= {
        }
        &'pasv;help;mkdir'= {
        }
        &'pasv;help;rmdir'= {
        }
        &'pasv;help;stat'= {
        }
        &'pasv;help;trace'= {
        }
        &'pasv;help;demo'= {
        }
        &'pasv;help;doctor'= {
        }
        &'pasv;help;forget'= {
        }
        &'pasv;help;passwd'= {
        }
        &'pasv;help;help'= {
        }
    ]
    $completions[$command]
}
