# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pasv_global_optspecs
    string join \n h/help V/version
end

function __fish_pasv_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pasv_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pasv_using_subcommand
    set -l cmd (__fish_pasv_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pasv -n "__fish_pasv_needs_command" -s h -l help -d 'Print help'
complete -c pasv -n "__fish_pasv_needs_command" -s V -l version -d 'Print version'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "serve" -d 'Share a folder over FTP'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "ls" -d 'List directories, sorted by name'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "get" -d 'Download files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "put" -d 'Upload files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "cat" -d 'Print files to stdout'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "rm" -d 'Delete files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "mv" -d 'Rename or move a file or directory on one server'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "mkdir" -d 'Create directories'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "rmdir" -d 'Remove empty directories'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "stat" -d 'Show details of a file or directory'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "trace" -d 'Draw the dialogue and both connections of a download, or of a listing, as they happen'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "demo" -d 'Run a server and a client on loopback, and draw one passive and one active transfer'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "doctor" -d 'Diagnose a server from here, or with --site this machine\'s own server'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "forget" -d 'Forget what is remembered of servers: certificates, use of TLS, and modes of data connections'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "firewall" -d 'Print the firewall rules that a server needs, or apply them'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "passwd" -d 'Hash a password for a password file'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "man" -d 'Show the manual page of pasv or of one of its verbs'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l root -d 'The same as DIR' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l user -d 'Let this user log in, with the password in this file, or with a generated one; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l anonymous -d 'Let everyone log in without a password, and say what they can do [default: read]' -r -f -a "read\t'Read and list'
write\t'Everything, as users with --write'
drop\t'Upload new files, and nothing else: no listing, no reading, no replacing'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s p -l port -d 'Port to listen on [default: 2121]' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s l -l listen -d 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l passive-ports -d 'Ports that clients open data connections to; the firewall must let clients in' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l external -d 'IPv4 address that clients outside connect to, if the server is behind NAT' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l proxy-from -d 'Network of a load balancer that sends PROXY headers; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l active-port -d 'Open active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-mss -d 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l log-file -d 'Append the log to this file instead of stderr; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l log-level -d 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l log-format -d 'Format of the log' -r -f -a "text\t'Human-readable lines'
json\t'One JSON object per line'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l xferlog -d 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l ready-file -d 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l sync -d 'When an upload counts as stored' -r -f -a "always\t'When the file and its name are on the disk'
never\t'When the kernel has it; a power cut may lose it'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l keep-parts -d 'How long a partial upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l hang-up -d 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT' -r -f -a "keep\t'Keep it hidden, to be resumed'
publish\t'Publish it under its name'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l tls -d 'TLS on the addresses of --listen (explicit TLS, ftpes://)' -r -f -a "off\t'No TLS'
offered\t'Optional'
required\t'Required to log in'
required-data\t'Required to log in and for transfers'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l listen-tls -d 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l cert -d 'Certificate chain, in PEM; reloaded when the file changes' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l key -d 'Private key of the certificate, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme -d 'Get a certificate for this host name by ACME (Let\'s Encrypt), and renew it; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-directory -d 'ACME directory of the authority [default: Let\'s Encrypt]' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-contact -d 'Your mail address for the authority; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-listen -d 'Where to answer the authority\'s questions (HTTP-01), only while it asks' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-ca -d 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-reuse -d 'Whether data connections must resume the TLS session of their control connection' -r -f -a "require\t'They must; others are refused with 522'
learn\t'They must once the session has done it'
off\t'They need not'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l tls-end -d 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it' -r -f -a "strict\t'Never: it is kept to be resumed'
learn\t'As long as the client has not sent close_notify in this session, and its control connection is open'
lenient\t'Always'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert -d 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'Do not ask'
ask\t'Ask; clients without one are accepted'
require\t'Refuse TLS without one'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-ca -d 'Authorities that sign client certificates, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-crl -d 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert-users -d 'File that says which certificates belong to which users' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert-login -d 'Whether a user\'s certificate replaces the password [default: with-password]' -r -f -a "with-password\t'Users need both their certificate and their password'
without-password\t'Users with their certificate need no password; others are asked for it'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-handshakes-per-address -d 'TLS handshakes from one address at the same time' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l idle-timeout -d 'Between two commands, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l idle-timeout-most -d 'The longest idle timeout that a client can ask for (SITE IDLE)' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-timeout -d 'From a transfer command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l stall-timeout -d 'Without any data during a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l port-wait -d 'How long PASV and EPSV wait for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l claim-timeout -d 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l gone-timeout -d 'How long checksums and the like continue after the client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l drain-timeout -d 'How long SIGTERM and Ctrl-C wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l remember-logins -d 'How long a verified password is remembered, so that eight connections are not verified eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-sessions -d 'Sessions in total' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-line -d 'Length of a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l delay-after-failures -d 'Failed logins of a user from one address before answers are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l failure-delay -d 'How long they are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l refuse-after-failures -d 'Failed logins of a user from one address before that user is refused there' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l refuse-address-after-failures -d 'Failed logins from one address in total before the address is refused' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s w -l write -d 'Let users upload, rename and delete; without --user: let everyone'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s q -l quiet -d 'Print no banner, and log only warnings and errors'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l explain -d 'Print what the firewalls on both sides must let through, rule by rule'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l no-passive -d 'Refuse passive mode (EPSV and PASV)'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l no-active -d 'Refuse active mode (EPRT and PORT)'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s r -l recursive -d 'List subdirectories too, one path per line'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s l -l long -d 'Print permissions, owner and group too, where the server sends them'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l human -d 'Print sizes as 1.2K, 287M, 4.0G'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s t -d 'Sort by time, newest first'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s S -d 'Sort by size, largest first'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s 1 -l names -d 'Print names only, one per line'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s 0 -l null -d 'Print names only, each ended by a NUL byte, for xargs -0'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l json -d 'Print one JSON object per entry'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s o -l output -d 'Save as this file, or with -r as this directory; - is stdout' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -s O -l output-dir -d 'Save into this directory, which is created if it is missing' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l type -d 'Transfer type: i, bytes as they are (default), or a, text with line ends converted' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l verify -d 'What proves that a file is complete: its SIZE, or only the server\'s reply (off), for servers whose SIZE is wrong' -r -f -a "size\t'The server\'s SIZE'
off\t'The server\'s reply is enough'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l links -d 'Links in a tree: follow downloads a link to a file of the tree as that file; keep makes relative links' -r -f -a "follow\t'As the file that they lead to'
keep\t'As links'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -s r -l recursive -d 'Download directories with their contents'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s c -l continue -d 'Resume partial downloads; skip files that have the size and time of the server\'s'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s n -l no-clobber -d 'Keep a file that exists on this computer; it is skipped, and the exit code is 1'
complete -c pasv -n "__fish_pasv_using_subcommand get" -l progress -d 'Print a line for each file and a summary on stderr, even if it is not a terminal'
complete -c pasv -n "__fish_pasv_using_subcommand get" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand put" -l type -d 'Transfer type: i, bytes as they are (default), or a, text with line ends converted' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l verify -d 'What proves that a file has arrived: the server\'s SIZE, its HASH too, or only its reply (off)' -r -f -a "size\t'The server\'s SIZE'
hash\t'The server\'s HASH too, where it has that'
off\t'The server\'s reply is enough'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l links -d 'Links in a directory: follow uploads a link to a file of the same directory as that file; keep uploads none, as FTP cannot make links' -r -f -a "follow\t'As the file that they lead to'
keep\t'As links'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -s r -l recursive -d 'Upload directories with their contents'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s c -l continue -d 'Resume partial uploads'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s n -l no-clobber -d 'Keep a file that exists on the server; it is skipped, and the exit code is 1'
complete -c pasv -n "__fish_pasv_using_subcommand put" -l progress -d 'Print a line for each file and a summary on stderr, even if it is not a terminal'
complete -c pasv -n "__fish_pasv_using_subcommand put" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l type -d 'Transfer type: i, bytes as they are (default), or a, text with line ends converted' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s r -l recursive -d 'Delete directories with their contents; -v prints each path that is deleted'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s p -l parents -d 'Create missing parents too; a directory that exists is no error'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l json -d 'Print one JSON object per URL'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l bytes -d 'Stop a download after so many bytes: a number, with K, M or G for kibi-, mebi- and gibibytes; 0 or all for the whole file' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s u -l user -d 'User, if the URL names none; without PASSWORD it is asked for' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l password-file -d 'File whose first line is the password; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l tls -d 'off, offered (if the server has it), required (AUTH TLS) or implicit (from the first byte)' -r -f -a "off\t'No TLS: unencrypted'
offered\t'If the server offers it'
required\t'AUTH TLS, or nothing'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l tls-end -d 'Data that ends without the end of TLS (close_notify): strict accepts a file of the right size only, lenient all' -r -f -a "strict\t'Only files whose size agrees'
lenient\t'Whatever the server has confirmed'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l cert -d 'Client certificate (PEM), for servers that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l key -d 'Private key of --cert (PEM), if it is in another file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l mode -d 'Data connections: auto, passive (the client connects) or active (the server does)' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'The client connects to the server, by EPSV or PASV'
active\t'The server connects to the client; where it cannot, the client connects'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l data-port -d 'Local port of data connections: any, or next (the control connection\'s port plus one)' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l timeout -d 'Give up when a connection or a reply takes longer: 30s, 5m, 1h' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l stall -d 'Give up when a transfer moves no data for this long: 30s, 5m, 1h; 3650d is as good as never' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l charset -d 'The server\'s character set for file names: GBK, Shift_JIS, windows-1251 ...' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l insecure -d 'Accept an untrusted certificate; a man in the middle can read everything'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s v -l verbose -d 'Show the FTP dialogue and ports; passwords are masked'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s q -l quiet -d 'Print errors only'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand demo" -l size -d 'Bytes to transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l transcript -d 'Write the whole dialogue to this file, passwords masked, for the server\'s administrator' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l password-file -d 'Read the password from the first line of this file; - is stdin' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l pin -d 'Accept only this certificate: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l root -d 'The same as DIR' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l user -d 'Let this user log in, with the password in this file, or with a generated one; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l anonymous -d 'Let everyone log in without a password, and say what they can do [default: read]' -r -f -a "read\t'Read and list'
write\t'Everything, as users with --write'
drop\t'Upload new files, and nothing else: no listing, no reading, no replacing'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s p -l port -d 'Port to listen on [default: 2121]' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s l -l listen -d 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l passive-ports -d 'Ports that clients open data connections to; the firewall must let clients in' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l external -d 'IPv4 address that clients outside connect to, if the server is behind NAT' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l proxy-from -d 'Network of a load balancer that sends PROXY headers; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l active-port -d 'Open active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-mss -d 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l log-file -d 'Append the log to this file instead of stderr; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l log-level -d 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l log-format -d 'Format of the log' -r -f -a "text\t'Human-readable lines'
json\t'One JSON object per line'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l xferlog -d 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l ready-file -d 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l sync -d 'When an upload counts as stored' -r -f -a "always\t'When the file and its name are on the disk'
never\t'When the kernel has it; a power cut may lose it'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l keep-parts -d 'How long a partial upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l hang-up -d 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT' -r -f -a "keep\t'Keep it hidden, to be resumed'
publish\t'Publish it under its name'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l tls -d 'TLS: off, offered or required, as for all client verbs. With --site: as for `pasv serve`' -r -f -a "off\t'No TLS'
offered\t'Optional'
required\t'Required to log in'
required-data\t'Required to log in and for transfers'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l listen-tls -d 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l cert -d 'Client certificate (PEM), for servers that require one. With --site: that of the server, as for `pasv serve`' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l key -d 'Its private key (PEM); it may be in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme -d 'Get a certificate for this host name by ACME (Let\'s Encrypt), and renew it; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-directory -d 'ACME directory of the authority [default: Let\'s Encrypt]' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-contact -d 'Your mail address for the authority; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-listen -d 'Where to answer the authority\'s questions (HTTP-01), only while it asks' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-ca -d 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-reuse -d 'Whether data connections must resume the TLS session of their control connection' -r -f -a "require\t'They must; others are refused with 522'
learn\t'They must once the session has done it'
off\t'They need not'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l tls-end -d 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it' -r -f -a "strict\t'Never: it is kept to be resumed'
learn\t'As long as the client has not sent close_notify in this session, and its control connection is open'
lenient\t'Always'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert -d 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'Do not ask'
ask\t'Ask; clients without one are accepted'
require\t'Refuse TLS without one'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-ca -d 'Authorities that sign client certificates, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-crl -d 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert-users -d 'File that says which certificates belong to which users' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert-login -d 'Whether a user\'s certificate replaces the password [default: with-password]' -r -f -a "with-password\t'Users need both their certificate and their password'
without-password\t'Users with their certificate need no password; others are asked for it'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-handshakes-per-address -d 'TLS handshakes from one address at the same time' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l idle-timeout -d 'Between two commands, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l idle-timeout-most -d 'The longest idle timeout that a client can ask for (SITE IDLE)' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-timeout -d 'From a transfer command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l stall-timeout -d 'Without any data during a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l port-wait -d 'How long PASV and EPSV wait for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l claim-timeout -d 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l gone-timeout -d 'How long checksums and the like continue after the client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l drain-timeout -d 'How long SIGTERM and Ctrl-C wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l remember-logins -d 'How long a verified password is remembered, so that eight connections are not verified eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-sessions -d 'Sessions in total' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-line -d 'Length of a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l delay-after-failures -d 'Failed logins of a user from one address before answers are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l failure-delay -d 'How long they are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l refuse-after-failures -d 'Failed logins of a user from one address before that user is refused there' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l refuse-address-after-failures -d 'Failed logins from one address in total before the address is refused' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l site -d 'Check the server of this machine, as `pasv serve` runs it with the same flags'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l json -d 'One JSON object on stdout'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l clear -d 'Send the password unencrypted too, to test both; an anonymous login is always tested unencrypted'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l slow -d 'Find idle time-outs too: leaves control connections idle for up to 5 minutes'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l insecure -d 'Accept an untrusted certificate: a man in the middle can read the password'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s w -l write -d 'Upload a small test file three times, check it by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s q -l quiet -d 'Print no banner, and log only warnings and errors'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l explain -d 'Print what the firewalls on both sides must let through, rule by rule'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l no-passive -d 'Refuse passive mode (EPSV and PASV)'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l no-active -d 'Refuse active mode (EPRT and PORT)'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l for -d 'Firewall to print rules for [default: the one of this machine]' -r -f -a "nftables\t'Linux: a complete rule set, for `nft -f`'
nftables-insert\t'Linux: lines for an existing chain of nftables'
nftables-router\t'Linux router in front of the server: DNAT and forwarding'
iptables\t'Linux: a complete rule set, for `iptables-restore` and `ip6tables-restore`'
iptables-insert\t'Linux: commands that add to existing rules of iptables'
ufw\t'Ubuntu\'s front end'
firewalld\t'Fedora\'s and Red Hat\'s front end'
pf\t'OpenBSD, FreeBSD, macOS: lines for pf.conf'
aws\t'Amazon: security group'
aws-nacl\t'Amazon: network ACL of the subnet'
gcp\t'Google Cloud: VPC firewall rules'
azure\t'Azure: network security group'
windows\t'Windows Defender Firewall, in PowerShell'
cisco\t'Cisco IOS: a pair of extended access lists'
mikrotik\t'MikroTik RouterOS: a router in front of the server'
kubernetes\t'a Service of type LoadBalancer'
docker\t'published ports of a container'
haproxy\t'HAProxy in front of one or more servers'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l mode -d 'Mode to open ports for [default: passive, where the server offers it]' -r -f -a "passive\t'The client opens both connections'
active\t'The server opens the data connection'
both\t'Either'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l from -d 'Allow clients of this network only. May be repeated [default: all]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l keep -d 'Other TCP ports to leave open, as PORT or LO-HI, or `none`. May be repeated; replaces the default [default: 22]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l inside -d 'The server\'s own address behind a router or a balancer. One of each family, or (HAProxy) one for each server' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l chain -d 'Chain for nftables-insert [default: the chain of this machine that filters, or `inet filter input`]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l root -d 'The same as DIR' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l user -d 'Let this user log in, with the password in this file, or with a generated one; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l anonymous -d 'Let everyone log in without a password, and say what they can do [default: read]' -r -f -a "read\t'Read and list'
write\t'Everything, as users with --write'
drop\t'Upload new files, and nothing else: no listing, no reading, no replacing'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s p -l port -d 'Port to listen on [default: 2121]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s l -l listen -d 'Address to listen on: ADDRESS, ADDRESS:PORT, a name of this machine, or a port; can be repeated [default: all]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l passive-ports -d 'Ports that clients open data connections to; the firewall must let clients in' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l external -d 'IPv4 address that clients outside connect to, if the server is behind NAT' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l proxy-from -d 'Network of a load balancer that sends PROXY headers; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l active-port -d 'Open active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-mss -d 'Limit the packet size of data connections: for networks where listings work and files stall; 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l log-file -d 'Append the log to this file instead of stderr; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l log-level -d 'What to log: error, warn, info, debug, trace or off, or a filter such as `server=debug` [default: info; warn with -q]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l log-format -d 'Format of the log' -r -f -a "text\t'Human-readable lines'
json\t'One JSON object per line'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l xferlog -d 'Append the classic transfer log (xferlog of wu-ftpd) to this file; SIGHUP reopens it' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l ready-file -d 'When the server is ready, write its addresses and ports to this file as JSON; it is removed at the end' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l sync -d 'When an upload counts as stored' -r -f -a "always\t'When the file and its name are on the disk'
never\t'When the kernel has it; a power cut may lose it'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l keep-parts -d 'How long a partial upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l hang-up -d 'What to do with an unencrypted upload whose client closes everything at its end, without QUIT' -r -f -a "keep\t'Keep it hidden, to be resumed'
publish\t'Publish it under its name'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l tls -d 'TLS on the addresses of --listen (explicit TLS, ftpes://)' -r -f -a "off\t'No TLS'
offered\t'Optional'
required\t'Required to log in'
required-data\t'Required to log in and for transfers'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l listen-tls -d 'Also listen here for clients that start with TLS at once (implicit TLS, ftps://), in the forms of --listen [default port: 990]; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l cert -d 'Certificate chain, in PEM; reloaded when the file changes' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l key -d 'Private key of the certificate, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme -d 'Get a certificate for this host name by ACME (Let\'s Encrypt), and renew it; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-directory -d 'ACME directory of the authority [default: Let\'s Encrypt]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-contact -d 'Your mail address for the authority; can be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-listen -d 'Where to answer the authority\'s questions (HTTP-01), only while it asks' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-ca -d 'Authorities to trust for the ACME directory itself, in PEM, for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-reuse -d 'Whether data connections must resume the TLS session of their control connection' -r -f -a "require\t'They must; others are refused with 522'
learn\t'They must once the session has done it'
off\t'They need not'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l tls-end -d 'Is an upload published that ends without close_notify (the end of TLS)? Anybody in between may have cut it' -r -f -a "strict\t'Never: it is kept to be resumed'
learn\t'As long as the client has not sent close_notify in this session, and its control connection is open'
lenient\t'Always'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert -d 'Ask clients for a certificate, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'Do not ask'
ask\t'Ask; clients without one are accepted'
require\t'Refuse TLS without one'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-ca -d 'Authorities that sign client certificates, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-crl -d 'Revocation lists for client certificates, in PEM; reloaded when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert-users -d 'File that says which certificates belong to which users' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert-login -d 'Whether a user\'s certificate replaces the password [default: with-password]' -r -f -a "with-password\t'Users need both their certificate and their password'
without-password\t'Users with their certificate need no password; others are asked for it'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-handshakes-per-address -d 'TLS handshakes from one address at the same time' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l idle-timeout -d 'Between two commands, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l idle-timeout-most -d 'The longest idle timeout that a client can ask for (SITE IDLE)' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-timeout -d 'From a transfer command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l stall-timeout -d 'Without any data during a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l port-wait -d 'How long PASV and EPSV wait for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l claim-timeout -d 'From PASV or EPSV to the transfer that uses it; --data-timeout while others wait for the port' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l gone-timeout -d 'How long checksums and the like continue after the client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l drain-timeout -d 'How long SIGTERM and Ctrl-C wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l remember-logins -d 'How long a verified password is remembered, so that eight connections are not verified eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-sessions -d 'Sessions in total' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-line -d 'Length of a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l delay-after-failures -d 'Failed logins of a user from one address before answers are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l failure-delay -d 'How long they are delayed' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l refuse-after-failures -d 'Failed logins of a user from one address before that user is refused there' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l refuse-address-after-failures -d 'Failed logins from one address in total before the address is refused' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l stateless -d 'For a firewall that filters single packets and does not track connections'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l output-drop -d 'For a firewall that filters outgoing connections too'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l apply -d 'Change the rules of this machine (nftables): adds lines to the chains that drop, or a table of its own where no firewall is active. Shows the changes, and asks'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l remove -d 'Remove what --apply has added. Asks'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l check -d 'Compare the rules of this machine with what the server needs: what is missing, what is too wide'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s y -l yes -d 'Do not ask'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l print -d 'Print rules also where no firewall is active on this machine'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s w -l write -d 'Let users upload, rename and delete; without --user: let everyone'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s q -l quiet -d 'Print no banner, and log only warnings and errors'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l explain -d 'Explain each line, and draw the ports of both sides'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l no-passive -d 'Refuse passive mode (EPSV and PASV)'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l no-active -d 'Refuse active mode (EPRT and PORT)'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand passwd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "serve" -d 'Share a folder over FTP'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "ls" -d 'List directories, sorted by name'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "get" -d 'Download files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "put" -d 'Upload files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "cat" -d 'Print files to stdout'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "rm" -d 'Delete files, or with -r whole directory trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "mv" -d 'Rename or move a file or directory on one server'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "mkdir" -d 'Create directories'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "rmdir" -d 'Remove empty directories'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "stat" -d 'Show details of a file or directory'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "trace" -d 'Draw the dialogue and both connections of a download, or of a listing, as they happen'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "demo" -d 'Run a server and a client on loopback, and draw one passive and one active transfer'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "doctor" -d 'Diagnose a server from here, or with --site this machine\'s own server'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "forget" -d 'Forget what is remembered of servers: certificates, use of TLS, and modes of data connections'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "firewall" -d 'Print the firewall rules that a server needs, or apply them'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "passwd" -d 'Hash a password for a password file'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "man" -d 'Show the manual page of pasv or of one of its verbs'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
