
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'pasv' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'pasv'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'pasv' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Share a folder over FTP')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a directory of a site, sorted by name')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Fetch files of a site, or with -r whole trees')
            [CompletionResult]::new('put', 'put', [CompletionResultType]::ParameterValue, 'Store files at a site, or with -r whole trees')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Write files of a site to stdout')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Delete files of a site, or with -r whole trees')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename or move a file or directory within a site')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Make directories of a site')
            [CompletionResult]::new('rmdir', 'rmdir', [CompletionResultType]::ParameterValue, 'Remove empty directories of a site')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Show what a site tells of a file or directory')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a site and a client on loopback, and draw one passive and one active transfer')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out why a site cannot be used from here, or with --site what is wrong at the site of this machine')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Forget the certificates of sites, that they were seen with TLS, and which way to a data connection has worked')
            [CompletionResult]::new('firewall', 'firewall', [CompletionResultType]::ParameterValue, 'Print the firewall rules that a site needs, or apply them')
            [CompletionResult]::new('passwd', 'passwd', [CompletionResultType]::ParameterValue, 'Make the line of a password file from a password')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pasv;serve' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The folder to share')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'The ports that clients open data connections to. The firewall must let them in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else''s header is believed. May be given several times')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user in, with the password in the file (or one made up and shown); nobody else then')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How log lines are written, to stderr')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log to a file')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Write the addresses and ports as JSON to a file when the site is up')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as done: on the disk, or with the kernel')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long the part of a broken upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Dial active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Where TLS may be, or must be, on the addresses of --listen')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate and those above it, in PEM; read again when the file changes. May be given several times, each with its --key: the name that a client asks for decides. Without any, one is made at the first start and kept')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of the certificate, in PEM')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority''s terms of service. Beside --cert it is one more certificate, shown to who asks for its names')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'The ACME directory of the authority; by itself, Let''s Encrypt')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Where the authority can reach you, told to it when the account is made. May be given several times')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where the authority''s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Who vouches for the directory itself, beside the system''s authorities, in PEM: for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Must a protected data connection resume the TLS session of its own control connection?')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'The authorities that vouch for clients'' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Lists of clients'' certificates that are revoked, in PEM; read again when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'What the certificate of a user is worth at the login [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes of one address at once')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'From one command to the next, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The most that SITE IDLE can ask for')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer''s command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'In a transfer, without a byte moving')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV waits for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and SIGINT wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections do not pay eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in all')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Bytes in a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address (or of so many different users) before the answers are held back')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are held back')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of an address in all before it is refused as well')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Let users upload, rename and remove')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let anybody in, beside the users')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Tell in the banner what the firewalls on both sides must let through, rule by rule')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse EPSV and PASV')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse EPRT and PORT')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
            [CompletionResult]::new('--allow-truncated', '--allow-truncated', [CompletionResultType]::ParameterName, 'Publish uploads that end without close_notify, which anybody in between may have cut')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;ls' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Whole tree, one path per line')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Whole tree, one path per line')
            [CompletionResult]::new('-1', '-1', [CompletionResultType]::ParameterName, 'Names only, one per line')
            [CompletionResult]::new('--names', '--names', [CompletionResultType]::ParameterName, 'Names only, one per line')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object per line and entry')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;get' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write to this file; - is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write to this file; - is stdout')
            [CompletionResult]::new('-O', '-O ', [CompletionResultType]::ParameterName, 'Write into this folder')
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Write into this folder')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Representation type: i, bytes as they are (default), or a, text')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'When a file is whole: with as many bytes as its SIZE says, or, for servers whose SIZE is wrong, when the server says that it is (off)')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Fetch directories and all that is in them. Links in the folder that is written are not followed')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Fetch directories and all that is in them. Links in the folder that is written are not followed')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Go on where the last try ended, and leave alone what is there with the site''s size and time')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Go on where the last try ended, and leave alone what is there with the site''s size and time')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;put' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Representation type: i, bytes as they are (default), or a, text')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'What proves that a file has arrived: the site''s SIZE, its HASH too where it has one, or nothing but its word')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Store folders and all that is in them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Store folders and all that is in them')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Go on where the last try ended, where what the site has proves to be the start of this file; else store it whole')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Go on where the last try ended, where what the site has proves to be the start of this file; else store it whole')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;cat' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Representation type: i, bytes as they are (default), or a, text')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;rm' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Delete directories and all that is in them. Links that the server shows as links are deleted, and never followed')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Delete directories and all that is in them. Links that the server shows as links are deleted, and never followed')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;mv' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;mkdir' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'The directories above it too, where they are missing; one that is there already is no mistake')
            [CompletionResult]::new('--parents', '--parents', [CompletionResultType]::ParameterName, 'The directories above it too, where they are missing; one that is there already is no mistake')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;rmdir' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;stat' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'As a JSON object')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;trace' {
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of the data connection: any, or next: the control connection''s port plus one')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest wait for a connection or a reply: 30s, 5m')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for sites that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM), if it is not in the same file')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the dialogue on stderr, secrets masked, and both connections'' ports')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing but errors')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads everything')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;demo' {
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'How many bytes to move')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'pasv;doctor' {
            [CompletionResult]::new('--transcript', '--transcript', [CompletionResultType]::ParameterName, 'Write all that was said to this file, secrets masked: for the keeper of the site')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Take this certificate of the site and no other before a password is said: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The folder to share')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'The ports that clients open data connections to. The firewall must let them in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else''s header is believed. May be given several times')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user in, with the password in the file (or one made up and shown); nobody else then')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How log lines are written, to stderr')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log to a file')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Write the addresses and ports as JSON to a file when the site is up')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as done: on the disk, or with the kernel')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long the part of a broken upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Dial active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Where TLS may be, or must be, on the addresses of --listen')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Our own certificate (PEM), for a site that asks for one. With --site: that of the site, as for `pasv serve`')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM); it may be in the same file')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority''s terms of service. Beside --cert it is one more certificate, shown to who asks for its names')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'The ACME directory of the authority; by itself, Let''s Encrypt')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Where the authority can reach you, told to it when the account is made. May be given several times')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where the authority''s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Who vouches for the directory itself, beside the system''s authorities, in PEM: for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Must a protected data connection resume the TLS session of its own control connection?')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'The authorities that vouch for clients'' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Lists of clients'' certificates that are revoked, in PEM; read again when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'What the certificate of a user is worth at the login [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes of one address at once')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'From one command to the next, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The most that SITE IDLE can ask for')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer''s command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'In a transfer, without a byte moving')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV waits for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and SIGINT wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections do not pay eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in all')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Bytes in a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address (or of so many different users) before the answers are held back')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are held back')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of an address in all before it is refused as well')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('--site', '--site', [CompletionResultType]::ParameterName, 'Look at the site of this machine, that `pasv serve` makes with the same flags')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout')
            [CompletionResult]::new('--clear', '--clear', [CompletionResultType]::ParameterName, 'Say the password in clear too, to look at both; an anonymous login is always tried in clear')
            [CompletionResult]::new('--slow', '--slow', [CompletionResultType]::ParameterName, 'Find idle time-outs too: leaves control connections alone for up to 5 minutes')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Take a certificate that nobody vouches for: whoever is in between reads the password')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Store a small file of a name of our own three times, have it proven by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let anybody in, beside the users')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Tell in the banner what the firewalls on both sides must let through, rule by rule')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse EPSV and PASV')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse EPRT and PORT')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
            [CompletionResult]::new('--allow-truncated', '--allow-truncated', [CompletionResultType]::ParameterName, 'Publish uploads that end without close_notify, which anybody in between may have cut')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;forget' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;firewall' {
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'The firewall to write for [default: what this machine runs]')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Which mode to let through [default: passive, where the site offers it]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Let in clients of this network only. May be given several times [default: everybody]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Other TCP ports that a whole rule set leaves open, as PORT or LO-HI, or `none`. May be given several times: those given stand in place of the default [default: 22]')
            [CompletionResult]::new('--inside', '--inside', [CompletionResultType]::ParameterName, 'The server''s own address behind a router or a balancer. One of each family, or (HAProxy) one for each server')
            [CompletionResult]::new('--chain', '--chain', [CompletionResultType]::ParameterName, 'The chain for nftables-insert [default: the one of this machine that decides, or `inet filter input`]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The folder to share')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'The ports that clients open data connections to. The firewall must let them in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else''s header is believed. May be given several times')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user in, with the password in the file (or one made up and shown); nobody else then')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'How log lines are written, to stderr')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log to a file')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'Write the addresses and ports as JSON to a file when the site is up')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as done: on the disk, or with the kernel')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long the part of a broken upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Dial active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'Where TLS may be, or must be, on the addresses of --listen')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'The certificate and those above it, in PEM; read again when the file changes. May be given several times, each with its --key: the name that a client asks for decides. Without any, one is made at the first start and kept')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key of the certificate, in PEM')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority''s terms of service. Beside --cert it is one more certificate, shown to who asks for its names')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'The ACME directory of the authority; by itself, Let''s Encrypt')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Where the authority can reach you, told to it when the account is made. May be given several times')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where the authority''s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Who vouches for the directory itself, beside the system''s authorities, in PEM: for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Must a protected data connection resume the TLS session of its own control connection?')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'The authorities that vouch for clients'' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Lists of clients'' certificates that are revoked, in PEM; read again when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'What the certificate of a user is worth at the login [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes of one address at once')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'From one command to the next, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The most that SITE IDLE can ask for')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer''s command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'In a transfer, without a byte moving')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV waits for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and SIGINT wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections do not pay eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in all')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Bytes in a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address (or of so many different users) before the answers are held back')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are held back')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of an address in all before it is refused as well')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('--stateless', '--stateless', [CompletionResultType]::ParameterName, 'For a firewall that looks at single packets and does not follow connections')
            [CompletionResult]::new('--output-drop', '--output-drop', [CompletionResultType]::ParameterName, 'For a firewall that drops what goes out as well')
            [CompletionResult]::new('--apply', '--apply', [CompletionResultType]::ParameterName, 'Change the rules of this machine (nftables): a table of its own where nothing filters, lines in the chains that drop otherwise. Shows what it would do, and asks')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Take away what --apply has put there. Asks')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Compare the rules of this machine with what the site needs: what is missing, what is too wide')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Let users upload, rename and remove')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let anybody in, beside the users')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Say above each line which of the four rules it is and what for, and draw the ports of both sides')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse EPSV and PASV')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse EPRT and PORT')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
            [CompletionResult]::new('--allow-truncated', '--allow-truncated', [CompletionResultType]::ParameterName, 'Publish uploads that end without close_notify, which anybody in between may have cut')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;passwd' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Share a folder over FTP')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List a directory of a site, sorted by name')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Fetch files of a site, or with -r whole trees')
            [CompletionResult]::new('put', 'put', [CompletionResultType]::ParameterValue, 'Store files at a site, or with -r whole trees')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Write files of a site to stdout')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Delete files of a site, or with -r whole trees')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename or move a file or directory within a site')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Make directories of a site')
            [CompletionResult]::new('rmdir', 'rmdir', [CompletionResultType]::ParameterValue, 'Remove empty directories of a site')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Show what a site tells of a file or directory')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a site and a client on loopback, and draw one passive and one active transfer')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out why a site cannot be used from here, or with --site what is wrong at the site of this machine')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Forget the certificates of sites, that they were seen with TLS, and which way to a data connection has worked')
            [CompletionResult]::new('firewall', 'firewall', [CompletionResultType]::ParameterValue, 'Print the firewall rules that a site needs, or apply them')
            [CompletionResult]::new('passwd', 'passwd', [CompletionResultType]::ParameterValue, 'Make the line of a password file from a password')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pasv;help;serve' {
            break
        }
        'pasv;help;ls' {
            break
        }
        'pasv;help;get' {
            break
        }
        'pasv;help;put' {
            break
        }
        'pasv;help;cat' {
            break
        }
        'pasv;help;rm' {
            break
        }
        'pasv;help;mv' {
            break
        }
        'pasv;help;mkdir' {
            break
        }
        'pasv;help;rmdir' {
            break
        }
        'pasv;help;stat' {
            break
        }
        'pasv;help;trace' {
            break
        }
        'pasv;help;demo' {
            break
        }
        'pasv;help;doctor' {
            break
        }
        'pasv;help;forget' {
            break
        }
        'pasv;help;firewall' {
            break
        }
        'pasv;help;passwd' {
            break
        }
        'pasv;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
