
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
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List directories, sorted by name')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Download files, or with -r whole directory trees')
            [CompletionResult]::new('put', 'put', [CompletionResultType]::ParameterValue, 'Upload files, or with -r whole directory trees')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files to stdout')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Delete files, or with -r whole directory trees')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename or move a file or directory on one server')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Create directories')
            [CompletionResult]::new('rmdir', 'rmdir', [CompletionResultType]::ParameterValue, 'Remove empty directories')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Show details of a file or directory')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Draw the dialogue and both connections of a download, or of a listing, as they happen')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a server and a client on loopback, and draw one passive and one active transfer')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Diagnose a server from here, or with --site this machine''s own server')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Forget what is remembered of servers: certificates, use of TLS, and modes of data connections')
            [CompletionResult]::new('firewall', 'firewall', [CompletionResultType]::ParameterValue, 'Print the firewall rules that a server needs, or apply them')
            [CompletionResult]::new('passwd', 'passwd', [CompletionResultType]::ParameterValue, 'Hash a password for a password file')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Show the manual page of pasv or of one of its verbs')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pasv;serve' {
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The same as DIR')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user log in, with the password in this file, or with a generated one; can be repeated')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let everyone log in without a password, and say what they can do [default: read]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'Ports that clients open data connections to; the firewall must let clients in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'IPv4 address that clients outside connect to, if the server is behind NAT')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'Network of a load balancer that sends PROXY headers; can be repeated')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Open active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere')
            [CompletionResult]::new('--log-file', '--log-file', [CompletionResultType]::ParameterName, 'Append the log to this file instead of stderr; SIGHUP reopens it')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Format of the log')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as stored')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long a partial upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS on the addresses of --listen (explicit TLS, ftpes://)')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Certificate chain, in PEM; reloaded when the file changes')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the certificate, in PEM')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name by ACME (Let''s Encrypt), and renew it; can be repeated')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'ACME directory of the authority [default: Let''s Encrypt]')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Your mail address for the authority; can be repeated')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where to answer the authority''s questions (HTTP-01), only while it asks')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Whether data connections must resume the TLS session of their control connection')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'Authorities that sign client certificates, in PEM')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'File that says which certificates belong to which users')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'Whether a user''s certificate replaces the password [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes from one address at the same time')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Between two commands, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The longest idle timeout that a client can ask for (SITE IDLE)')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'Without any data during a transfer')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV and EPSV wait for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long checksums and the like continue after the client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and Ctrl-C wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections are not verified eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in total')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Length of a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before answers are delayed')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are delayed')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before that user is refused there')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins from one address in total before the address is refused')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Let users upload, rename and delete; without --user: let everyone')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Let users upload, rename and delete; without --user: let everyone')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Print what the firewalls on both sides must let through, rule by rule')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse passive mode (EPSV and PASV)')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse active mode (EPRT and PORT)')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;ls' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'List subdirectories too, one path per line')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'List subdirectories too, one path per line')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Print permissions, owner and group too, where the server sends them')
            [CompletionResult]::new('--long', '--long', [CompletionResultType]::ParameterName, 'Print permissions, owner and group too, where the server sends them')
            [CompletionResult]::new('--human', '--human', [CompletionResultType]::ParameterName, 'Print sizes as 1.2K, 287M, 4.0G')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Sort by time, newest first')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'Sort by size, largest first')
            [CompletionResult]::new('-1', '-1', [CompletionResultType]::ParameterName, 'Print names only, one per line')
            [CompletionResult]::new('--names', '--names', [CompletionResultType]::ParameterName, 'Print names only, one per line')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'Print names only, each ended by a NUL byte, for xargs -0')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'Print names only, each ended by a NUL byte, for xargs -0')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per entry')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;get' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Save as this file, or with -r as this directory; - is stdout')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Save as this file, or with -r as this directory; - is stdout')
            [CompletionResult]::new('-O', '-O ', [CompletionResultType]::ParameterName, 'Save into this directory, which is created if it is missing')
            [CompletionResult]::new('--output-dir', '--output-dir', [CompletionResultType]::ParameterName, 'Save into this directory, which is created if it is missing')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Transfer type: i, bytes as they are (default), or a, text with line ends converted')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'What proves that a file is complete: its SIZE, or only the server''s reply (off), for servers whose SIZE is wrong')
            [CompletionResult]::new('--links', '--links', [CompletionResultType]::ParameterName, 'Links in a tree: follow downloads a link to a file of the tree as that file; keep makes relative links')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Download directories with their contents')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Download directories with their contents')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Resume partial downloads; skip files that have the size and time of the server''s')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Resume partial downloads; skip files that have the size and time of the server''s')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Keep a file that exists on this computer; it is skipped, and the exit code is 1')
            [CompletionResult]::new('--no-clobber', '--no-clobber', [CompletionResultType]::ParameterName, 'Keep a file that exists on this computer; it is skipped, and the exit code is 1')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Print a line for each file and a summary on stderr, even if it is not a terminal')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;put' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Transfer type: i, bytes as they are (default), or a, text with line ends converted')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'What proves that a file has arrived: the server''s SIZE, its HASH too, or only its reply (off)')
            [CompletionResult]::new('--links', '--links', [CompletionResultType]::ParameterName, 'Links in a directory: follow uploads a link to a file of the same directory as that file; keep uploads none, as FTP cannot make links')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Upload directories with their contents')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Upload directories with their contents')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Resume partial uploads')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Resume partial uploads')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Keep a file that exists on the server; it is skipped, and the exit code is 1')
            [CompletionResult]::new('--no-clobber', '--no-clobber', [CompletionResultType]::ParameterName, 'Keep a file that exists on the server; it is skipped, and the exit code is 1')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Print a line for each file and a summary on stderr, even if it is not a terminal')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;cat' {
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'Transfer type: i, bytes as they are (default), or a, text with line ends converted')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;rm' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'Delete directories with their contents; -v prints each path that is deleted')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'Delete directories with their contents; -v prints each path that is deleted')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;mv' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;mkdir' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Create missing parents too; a directory that exists is no error')
            [CompletionResult]::new('--parents', '--parents', [CompletionResultType]::ParameterName, 'Create missing parents too; a directory that exists is no error')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;rmdir' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;stat' {
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print one JSON object per URL')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;trace' {
            [CompletionResult]::new('--bytes', '--bytes', [CompletionResultType]::ParameterName, 'Stop a download after so many bytes: a number, with K, M or G for kibi-, mebi- and gibibytes; 0 or all for the whole file')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User, if the URL names none; without PASSWORD it is asked for')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'File whose first line is the password; - is stdin')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that ask for one')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of --cert (PEM), if it is in another file')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Data connections: auto, passive (the client connects) or active (the server does)')
            [CompletionResult]::new('--data-port', '--data-port', [CompletionResultType]::ParameterName, 'Local port of data connections: any, or next (the control connection''s port plus one)')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Give up when a connection or a reply takes longer: 30s, 5m, 1h')
            [CompletionResult]::new('--stall', '--stall', [CompletionResultType]::ParameterName, 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never')
            [CompletionResult]::new('--charset', '--charset', [CompletionResultType]::ParameterName, 'The server''s character set for file names: GBK, Shift_JIS, windows-1251 ...')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate; a man in the middle can read everything')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the FTP dialogue and ports; passwords are masked')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print errors only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;demo' {
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'Bytes to transfer')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;doctor' {
            [CompletionResult]::new('--transcript', '--transcript', [CompletionResultType]::ParameterName, 'Write the whole dialogue to this file, passwords masked, for the server''s administrator')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'Read the password from the first line of this file; - is stdin')
            [CompletionResult]::new('--pin', '--pin', [CompletionResultType]::ParameterName, 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The same as DIR')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user log in, with the password in this file, or with a generated one; can be repeated')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let everyone log in without a password, and say what they can do [default: read]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'Ports that clients open data connections to; the firewall must let clients in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'IPv4 address that clients outside connect to, if the server is behind NAT')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'Network of a load balancer that sends PROXY headers; can be repeated')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Open active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere')
            [CompletionResult]::new('--log-file', '--log-file', [CompletionResultType]::ParameterName, 'Append the log to this file instead of stderr; SIGHUP reopens it')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Format of the log')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as stored')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long a partial upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS: off, offered or required, as for all client verbs. With --site: as for `pasv serve`')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate (PEM), for servers that require one. With --site: that of the server, as for `pasv serve`')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its private key (PEM); it may be in the same file')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name by ACME (Let''s Encrypt), and renew it; can be repeated')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'ACME directory of the authority [default: Let''s Encrypt]')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Your mail address for the authority; can be repeated')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where to answer the authority''s questions (HTTP-01), only while it asks')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Whether data connections must resume the TLS session of their control connection')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'Authorities that sign client certificates, in PEM')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'File that says which certificates belong to which users')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'Whether a user''s certificate replaces the password [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes from one address at the same time')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Between two commands, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The longest idle timeout that a client can ask for (SITE IDLE)')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'Without any data during a transfer')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV and EPSV wait for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long checksums and the like continue after the client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and Ctrl-C wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections are not verified eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in total')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Length of a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before answers are delayed')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are delayed')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before that user is refused there')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins from one address in total before the address is refused')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('--site', '--site', [CompletionResultType]::ParameterName, 'Check the server of this machine, as `pasv serve` runs it with the same flags')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'One JSON object on stdout')
            [CompletionResult]::new('--clear', '--clear', [CompletionResultType]::ParameterName, 'Send the password unencrypted too, to test both; an anonymous login is always tested unencrypted')
            [CompletionResult]::new('--slow', '--slow', [CompletionResultType]::ParameterName, 'Find idle time-outs too: leaves control connections idle for up to 5 minutes')
            [CompletionResult]::new('--insecure', '--insecure', [CompletionResultType]::ParameterName, 'Accept an untrusted certificate: a man in the middle can read the password')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Upload a small test file three times, check it by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Upload a small test file three times, check it by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Print what the firewalls on both sides must let through, rule by rule')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse passive mode (EPSV and PASV)')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse active mode (EPRT and PORT)')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
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
            [CompletionResult]::new('--for', '--for', [CompletionResultType]::ParameterName, 'Firewall to print rules for [default: the one of this machine]')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'Mode to open ports for [default: passive, where the server offers it]')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Allow clients of this network only. May be repeated [default: all]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Other TCP ports to leave open, as PORT or LO-HI, or `none`. May be repeated; replaces the default [default: 22]')
            [CompletionResult]::new('--inside', '--inside', [CompletionResultType]::ParameterName, 'The server''s own address behind a router or a balancer. One of each family, or (HAProxy) one for each server')
            [CompletionResult]::new('--chain', '--chain', [CompletionResultType]::ParameterName, 'Chain for nftables-insert [default: the chain of this machine that filters, or `inet filter input`]')
            [CompletionResult]::new('--root', '--root', [CompletionResultType]::ParameterName, 'The same as DIR')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Let this user log in, with the password in this file, or with a generated one; can be repeated')
            [CompletionResult]::new('--anonymous', '--anonymous', [CompletionResultType]::ParameterName, 'Let everyone log in without a password, and say what they can do [default: read]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Port to listen on [default: 2121]')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]')
            [CompletionResult]::new('--passive-ports', '--passive-ports', [CompletionResultType]::ParameterName, 'Ports that clients open data connections to; the firewall must let clients in')
            [CompletionResult]::new('--external', '--external', [CompletionResultType]::ParameterName, 'IPv4 address that clients outside connect to, if the server is behind NAT')
            [CompletionResult]::new('--proxy-from', '--proxy-from', [CompletionResultType]::ParameterName, 'Network of a load balancer that sends PROXY headers; can be repeated')
            [CompletionResult]::new('--active-port', '--active-port', [CompletionResultType]::ParameterName, 'Open active data connections from this port; the classic one is 20, which needs root')
            [CompletionResult]::new('--data-mss', '--data-mss', [CompletionResultType]::ParameterName, 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere')
            [CompletionResult]::new('--log-file', '--log-file', [CompletionResultType]::ParameterName, 'Append the log to this file instead of stderr; SIGHUP reopens it')
            [CompletionResult]::new('--log-level', '--log-level', [CompletionResultType]::ParameterName, 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]')
            [CompletionResult]::new('--log-format', '--log-format', [CompletionResultType]::ParameterName, 'Format of the log')
            [CompletionResult]::new('--xferlog', '--xferlog', [CompletionResultType]::ParameterName, 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it')
            [CompletionResult]::new('--ready-file', '--ready-file', [CompletionResultType]::ParameterName, 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end')
            [CompletionResult]::new('--umask', '--umask', [CompletionResultType]::ParameterName, 'Permission bits that uploads do not get')
            [CompletionResult]::new('--sync', '--sync', [CompletionResultType]::ParameterName, 'When an upload counts as stored')
            [CompletionResult]::new('--keep-parts', '--keep-parts', [CompletionResultType]::ParameterName, 'How long a partial upload is kept for the client to resume')
            [CompletionResult]::new('--hang-up', '--hang-up', [CompletionResultType]::ParameterName, 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT')
            [CompletionResult]::new('--tls', '--tls', [CompletionResultType]::ParameterName, 'TLS on the addresses of --listen (explicit TLS, ftpes://)')
            [CompletionResult]::new('--listen-tls', '--listen-tls', [CompletionResultType]::ParameterName, 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Certificate chain, in PEM; reloaded when the file changes')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the certificate, in PEM')
            [CompletionResult]::new('--acme', '--acme', [CompletionResultType]::ParameterName, 'Get a certificate for this host name by ACME (Let''s Encrypt), and renew it; can be repeated')
            [CompletionResult]::new('--acme-directory', '--acme-directory', [CompletionResultType]::ParameterName, 'ACME directory of the authority [default: Let''s Encrypt]')
            [CompletionResult]::new('--acme-contact', '--acme-contact', [CompletionResultType]::ParameterName, 'Your mail address for the authority; can be repeated')
            [CompletionResult]::new('--acme-listen', '--acme-listen', [CompletionResultType]::ParameterName, 'Where to answer the authority''s questions (HTTP-01), only while it asks')
            [CompletionResult]::new('--acme-ca', '--acme-ca', [CompletionResultType]::ParameterName, 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own')
            [CompletionResult]::new('--data-reuse', '--data-reuse', [CompletionResultType]::ParameterName, 'Whether data connections must resume the TLS session of their control connection')
            [CompletionResult]::new('--tls-end', '--tls-end', [CompletionResultType]::ParameterName, 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it')
            [CompletionResult]::new('--client-cert', '--client-cert', [CompletionResultType]::ParameterName, 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]')
            [CompletionResult]::new('--client-ca', '--client-ca', [CompletionResultType]::ParameterName, 'Authorities that sign client certificates, in PEM')
            [CompletionResult]::new('--client-crl', '--client-crl', [CompletionResultType]::ParameterName, 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are')
            [CompletionResult]::new('--client-cert-users', '--client-cert-users', [CompletionResultType]::ParameterName, 'File that says which certificates belong to which users')
            [CompletionResult]::new('--client-cert-login', '--client-cert-login', [CompletionResultType]::ParameterName, 'Whether a user''s certificate replaces the password [default: with-password]')
            [CompletionResult]::new('--max-handshakes-per-address', '--max-handshakes-per-address', [CompletionResultType]::ParameterName, 'TLS handshakes from one address at the same time')
            [CompletionResult]::new('--login-timeout', '--login-timeout', [CompletionResultType]::ParameterName, 'From the connection to the login')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Between two commands, outside transfers')
            [CompletionResult]::new('--idle-timeout-most', '--idle-timeout-most', [CompletionResultType]::ParameterName, 'The longest idle timeout that a client can ask for (SITE IDLE)')
            [CompletionResult]::new('--data-timeout', '--data-timeout', [CompletionResultType]::ParameterName, 'From a transfer command to its data connection')
            [CompletionResult]::new('--stall-timeout', '--stall-timeout', [CompletionResultType]::ParameterName, 'Without any data during a transfer')
            [CompletionResult]::new('--port-wait', '--port-wait', [CompletionResultType]::ParameterName, 'How long PASV and EPSV wait for a free port')
            [CompletionResult]::new('--claim-timeout', '--claim-timeout', [CompletionResultType]::ParameterName, 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port')
            [CompletionResult]::new('--gone-timeout', '--gone-timeout', [CompletionResultType]::ParameterName, 'How long checksums and the like continue after the client has closed the control connection')
            [CompletionResult]::new('--drain-timeout', '--drain-timeout', [CompletionResultType]::ParameterName, 'How long SIGTERM and Ctrl-C wait for running transfers')
            [CompletionResult]::new('--remember-logins', '--remember-logins', [CompletionResultType]::ParameterName, 'How long a verified password is remembered, so that eight connections are not verified eight times')
            [CompletionResult]::new('--max-sessions', '--max-sessions', [CompletionResultType]::ParameterName, 'Sessions in total')
            [CompletionResult]::new('--max-sessions-per-address', '--max-sessions-per-address', [CompletionResultType]::ParameterName, 'Sessions from one address')
            [CompletionResult]::new('--max-line', '--max-line', [CompletionResultType]::ParameterName, 'Length of a command line')
            [CompletionResult]::new('--max-commands-before-login', '--max-commands-before-login', [CompletionResultType]::ParameterName, 'Commands before the login')
            [CompletionResult]::new('--max-stat-lines', '--max-stat-lines', [CompletionResultType]::ParameterName, 'Lines in the answer to STAT with a pathname')
            [CompletionResult]::new('--max-queue', '--max-queue', [CompletionResultType]::ParameterName, 'Commands that wait for the end of a transfer')
            [CompletionResult]::new('--delay-after-failures', '--delay-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before answers are delayed')
            [CompletionResult]::new('--failure-delay', '--failure-delay', [CompletionResultType]::ParameterName, 'How long they are delayed')
            [CompletionResult]::new('--refuse-after-failures', '--refuse-after-failures', [CompletionResultType]::ParameterName, 'Failed logins of a user from one address before that user is refused there')
            [CompletionResult]::new('--refuse-address-after-failures', '--refuse-address-after-failures', [CompletionResultType]::ParameterName, 'Failed logins from one address in total before the address is refused')
            [CompletionResult]::new('--failure-window', '--failure-window', [CompletionResultType]::ParameterName, 'How long a failed login counts')
            [CompletionResult]::new('--stateless', '--stateless', [CompletionResultType]::ParameterName, 'For a firewall that filters single packets and does not track connections')
            [CompletionResult]::new('--output-drop', '--output-drop', [CompletionResultType]::ParameterName, 'For a firewall that filters outgoing connections too')
            [CompletionResult]::new('--apply', '--apply', [CompletionResultType]::ParameterName, 'Change the rules of this machine (nftables): adds lines to the chains that drop, or a table of its own where no firewall is active. Shows the changes, and asks')
            [CompletionResult]::new('--remove', '--remove', [CompletionResultType]::ParameterName, 'Remove what --apply has added. Asks')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'Compare the rules of this machine with what the server needs: what is missing, what is too wide')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print rules also where no firewall is active on this machine')
            [CompletionResult]::new('-w', '-w', [CompletionResultType]::ParameterName, 'Let users upload, rename and delete; without --user: let everyone')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Let users upload, rename and delete; without --user: let everyone')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no banner, and log only warnings and errors')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'Explain each line, and draw the ports of both sides')
            [CompletionResult]::new('--no-passive', '--no-passive', [CompletionResultType]::ParameterName, 'Refuse passive mode (EPSV and PASV)')
            [CompletionResult]::new('--no-active', '--no-active', [CompletionResultType]::ParameterName, 'Refuse active mode (EPRT and PORT)')
            [CompletionResult]::new('--allow-ccc', '--allow-ccc', [CompletionResultType]::ParameterName, 'Let clients end TLS on the control connection (CCC), for firewalls that read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;passwd' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pasv;help' {
            [CompletionResult]::new('serve', 'serve', [CompletionResultType]::ParameterValue, 'Share a folder over FTP')
            [CompletionResult]::new('ls', 'ls', [CompletionResultType]::ParameterValue, 'List directories, sorted by name')
            [CompletionResult]::new('get', 'get', [CompletionResultType]::ParameterValue, 'Download files, or with -r whole directory trees')
            [CompletionResult]::new('put', 'put', [CompletionResultType]::ParameterValue, 'Upload files, or with -r whole directory trees')
            [CompletionResult]::new('cat', 'cat', [CompletionResultType]::ParameterValue, 'Print files to stdout')
            [CompletionResult]::new('rm', 'rm', [CompletionResultType]::ParameterValue, 'Delete files, or with -r whole directory trees')
            [CompletionResult]::new('mv', 'mv', [CompletionResultType]::ParameterValue, 'Rename or move a file or directory on one server')
            [CompletionResult]::new('mkdir', 'mkdir', [CompletionResultType]::ParameterValue, 'Create directories')
            [CompletionResult]::new('rmdir', 'rmdir', [CompletionResultType]::ParameterValue, 'Remove empty directories')
            [CompletionResult]::new('stat', 'stat', [CompletionResultType]::ParameterValue, 'Show details of a file or directory')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Draw the dialogue and both connections of a download, or of a listing, as they happen')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a server and a client on loopback, and draw one passive and one active transfer')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Diagnose a server from here, or with --site this machine''s own server')
            [CompletionResult]::new('forget', 'forget', [CompletionResultType]::ParameterValue, 'Forget what is remembered of servers: certificates, use of TLS, and modes of data connections')
            [CompletionResult]::new('firewall', 'firewall', [CompletionResultType]::ParameterValue, 'Print the firewall rules that a server needs, or apply them')
            [CompletionResult]::new('passwd', 'passwd', [CompletionResultType]::ParameterValue, 'Hash a password for a password file')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Show the manual page of pasv or of one of its verbs')
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
        'pasv;help;completions' {
            break
        }
        'pasv;help;man' {
            break
        }
        'pasv;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
