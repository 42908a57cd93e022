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
complete -c pasv -n "__fish_pasv_needs_command" -f -a "ls" -d 'List a directory of a site, sorted by name'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "get" -d 'Fetch files of a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "put" -d 'Store files at a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "cat" -d 'Write files of a site to stdout'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "rm" -d 'Delete files of a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "mv" -d 'Rename or move a file or directory within a site'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "mkdir" -d 'Make directories of a site'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "rmdir" -d 'Remove empty directories of a site'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "stat" -d 'Show what a site tells of a file or directory'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "trace" -d 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "demo" -d 'Run a site and a client on loopback, and draw one passive and one active transfer'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "doctor" -d 'Find out why a site cannot be used from here, or with --site what is wrong at the site of this machine'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "forget" -d 'Forget the certificates of sites, that they were seen with TLS, and which way to a data connection has worked'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "firewall" -d 'Print the firewall rules that a site needs, or apply them'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "passwd" -d 'Make the line of a password file from a password'
complete -c pasv -n "__fish_pasv_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l root -d 'The folder to share' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l listen -d 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l passive-ports -d 'The ports that clients open data connections to. The firewall must let them in' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l external -d 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l proxy-from -d 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else\'s header is believed. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l user -d 'Let this user in, with the password in the file (or one made up and shown); nobody else then' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l log-format -d 'How log lines are written, to stderr' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l log-level -d 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l xferlog -d 'Append the classic transfer log to a file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l ready-file -d 'Write the addresses and ports as JSON to a file when the site is up' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l sync -d 'When an upload counts as done: on the disk, or with the kernel' -r -f -a "always\t'The file and its name are on the disk before the client hears 226'
never\t'The kernel writes when it likes; a power cut may lose what was acknowledged'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l keep-parts -d 'How long the part of a broken upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l hang-up -d 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it' -r -f -a "keep\t''
publish\t''"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l active-port -d 'Dial active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-mss -d 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l tls -d 'Where TLS may be, or must be, on the addresses of --listen' -r -f -a "off\t'Nowhere'
offered\t'Who wants it has it'
required\t'Nobody logs in without it'
required-data\t'Nor is anything transferred without it'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l listen-tls -d 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l cert -d 'The certificate and those above it, in PEM; read again when the file changes. May be given several times, each with its --key: the name that a client asks for decides. Without any, one is made at the first start and kept' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l key -d 'The key of the certificate, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme -d 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority\'s terms of service. Beside --cert it is one more certificate, shown to who asks for its names' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-directory -d 'The ACME directory of the authority; by itself, Let\'s Encrypt' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-contact -d 'Where the authority can reach you, told to it when the account is made. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-listen -d 'Where the authority\'s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l acme-ca -d 'Who vouches for the directory itself, beside the system\'s authorities, in PEM: for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-reuse -d 'Must a protected data connection resume the TLS session of its own control connection?' -r -f -a "require\t'Always: others are refused with 522'
learn\t'Once a client has done it, it must from then on'
off\t'Never'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert -d 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'They are not asked'
ask\t'They may have none'
require\t'Without one there is no TLS'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-ca -d 'The authorities that vouch for clients\' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-crl -d 'Lists of clients\' certificates that are revoked, in PEM; read again when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert-users -d 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l client-cert-login -d 'What the certificate of a user is worth at the login [default: with-password]' -r -f -a "with-password\t'It is asked for beside the password: without a certificate of their own nobody logs in, but anonymous users do'
without-password\t'It stands in for the password. Who shows none, or another\'s, is asked for the password'"
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-handshakes-per-address -d 'TLS handshakes of one address at once' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l idle-timeout -d 'From one command to the next, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l idle-timeout-most -d 'The most that SITE IDLE can ask for' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l data-timeout -d 'From a transfer\'s command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l stall-timeout -d 'In a transfer, without a byte moving' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l port-wait -d 'How long PASV waits for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l claim-timeout -d 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l gone-timeout -d 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l drain-timeout -d 'How long SIGTERM and SIGINT wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l remember-logins -d 'How long a verified password is remembered, so that eight connections do not pay eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-sessions -d 'Sessions in all' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-line -d 'Bytes in a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l delay-after-failures -d 'Failed logins of one user from one address (or of so many different users) before the answers are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l failure-delay -d 'How long they are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l refuse-after-failures -d 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l refuse-address-after-failures -d 'Failed logins of an address in all before it is refused as well' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l write -d 'Let users upload, rename and remove'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l anonymous -d 'Let anybody in, beside the users'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l explain -d 'Tell in the banner what the firewalls on both sides must let through, rule by rule'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s q -l quiet -d 'Print no banner'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l no-passive -d 'Refuse EPSV and PASV'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l no-active -d 'Refuse EPRT and PORT'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -l allow-truncated -d 'Publish uploads that end without close_notify, which anybody in between may have cut'
complete -c pasv -n "__fish_pasv_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s r -l recursive -d 'Whole tree, one path per line'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s 1 -l names -d 'Names only, one per line'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l json -d 'One JSON object per line and entry'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s o -l output -d 'Write to this file; - is stdout' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -s O -l output-dir -d 'Write into this folder' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l type -d 'Representation type: i, bytes as they are (default), or a, text' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l verify -d 'When a file is whole: with as many bytes as its SIZE says, or, for servers whose SIZE is wrong, when the server says that it is (off)' -r -f -a "size\t'The site\'s SIZE'
off\t'The site\'s word'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand get" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand get" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand get" -s r -l recursive -d 'Fetch directories and all that is in them. Links in the folder that is written are not followed'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s c -l continue -d 'Go on where the last try ended, and leave alone what is there with the site\'s size and time'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand get" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand put" -l type -d 'Representation type: i, bytes as they are (default), or a, text' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l verify -d 'What proves that a file has arrived: the site\'s SIZE, its HASH too where it has one, or nothing but its word' -r -f -a "size\t'The site\'s SIZE'
hash\t'And its HASH, where it has one'
off\t'The site\'s word'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand put" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand put" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand put" -s r -l recursive -d 'Store folders and all that is in them'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s c -l continue -d 'Go on where the last try ended, where what the site has proves to be the start of this file; else store it whole'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand put" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l type -d 'Representation type: i, bytes as they are (default), or a, text' -r -f -a "a\t'Text: line ends are converted'
i\t'Image: bytes as they are'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand cat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s r -l recursive -d 'Delete directories and all that is in them. Links that the server shows as links are deleted, and never followed'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand rm" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand mv" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s p -l parents -d 'The directories above it too, where they are missing; one that is there already is no mistake'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand mkdir" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand rmdir" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l json -d 'As a JSON object'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand stat" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l mode -d 'Who opens the data connection: we and nobody else (passive), the server if it can (active), or whatever works (auto: EPSV, then PASV, then active). What worked is remembered for thirty days, for this site and network' -r -f -a "auto\t'EPSV, then PASV, then active'
passive\t'We dial the server, by EPSV or PASV'
active\t'The server dials us; where it cannot, we dial it'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l data-port -d 'Local port of the data connection: any, or next: the control connection\'s port plus one' -r -f -a "any\t'Any free port'
next\t'The control connection\'s plus one'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l timeout -d 'Longest wait for a connection or a reply: 30s, 5m' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l stall -d 'Longest time a transfer may stand still: 30s, 5m. One that has hardly begun is taken up once more after 5s, with small packets' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l tls -d 'TLS: off, offered (where the site has it; ftp://), required (AUTH TLS; ftpes://) or implicit (from the first byte; ftps://). Without this flag the URL decides, and a site once seen with TLS must have it' -r -f -a "off\t'In clear text'
offered\t'Where the site has it'
required\t'By AUTH TLS, or not at all'
implicit\t'From the first byte'"
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l pin -d 'Take this certificate of the site and no other: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l cert -d 'Our own certificate (PEM), for sites that ask for one' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l key -d 'Its private key (PEM), if it is not in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s v -l verbose -d 'Show the dialogue on stderr, secrets masked, and both connections\' ports'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s q -l quiet -d 'Say nothing but errors'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads everything'
complete -c pasv -n "__fish_pasv_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand demo" -l size -d 'How many bytes to move' -r
complete -c pasv -n "__fish_pasv_using_subcommand demo" -s h -l help -d 'Print help'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l transcript -d 'Write all that was said to this file, secrets masked: for the keeper of the site' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l password-file -d 'Read the password from the first line of this file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l pin -d 'Take this certificate of the site and no other before a password is said: sha256: and 64 hexadecimal digits. May be repeated' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l root -d 'The folder to share' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l listen -d 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l passive-ports -d 'The ports that clients open data connections to. The firewall must let them in' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l external -d 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l proxy-from -d 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else\'s header is believed. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l user -d 'Let this user in, with the password in the file (or one made up and shown); nobody else then' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l log-format -d 'How log lines are written, to stderr' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l log-level -d 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l xferlog -d 'Append the classic transfer log to a file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l ready-file -d 'Write the addresses and ports as JSON to a file when the site is up' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l sync -d 'When an upload counts as done: on the disk, or with the kernel' -r -f -a "always\t'The file and its name are on the disk before the client hears 226'
never\t'The kernel writes when it likes; a power cut may lose what was acknowledged'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l keep-parts -d 'How long the part of a broken upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l hang-up -d 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it' -r -f -a "keep\t''
publish\t''"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l active-port -d 'Dial active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-mss -d 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l tls -d 'Where TLS may be, or must be, on the addresses of --listen' -r -f -a "off\t'Nowhere'
offered\t'Who wants it has it'
required\t'Nobody logs in without it'
required-data\t'Nor is anything transferred without it'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l listen-tls -d 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l cert -d 'Our own certificate (PEM), for a site that asks for one. With --site: that of the site, as for `pasv serve`' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l key -d 'Its private key (PEM); it may be in the same file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme -d 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority\'s terms of service. Beside --cert it is one more certificate, shown to who asks for its names' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-directory -d 'The ACME directory of the authority; by itself, Let\'s Encrypt' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-contact -d 'Where the authority can reach you, told to it when the account is made. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-listen -d 'Where the authority\'s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l acme-ca -d 'Who vouches for the directory itself, beside the system\'s authorities, in PEM: for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-reuse -d 'Must a protected data connection resume the TLS session of its own control connection?' -r -f -a "require\t'Always: others are refused with 522'
learn\t'Once a client has done it, it must from then on'
off\t'Never'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert -d 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'They are not asked'
ask\t'They may have none'
require\t'Without one there is no TLS'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-ca -d 'The authorities that vouch for clients\' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-crl -d 'Lists of clients\' certificates that are revoked, in PEM; read again when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert-users -d 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l client-cert-login -d 'What the certificate of a user is worth at the login [default: with-password]' -r -f -a "with-password\t'It is asked for beside the password: without a certificate of their own nobody logs in, but anonymous users do'
without-password\t'It stands in for the password. Who shows none, or another\'s, is asked for the password'"
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-handshakes-per-address -d 'TLS handshakes of one address at once' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l idle-timeout -d 'From one command to the next, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l idle-timeout-most -d 'The most that SITE IDLE can ask for' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l data-timeout -d 'From a transfer\'s command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l stall-timeout -d 'In a transfer, without a byte moving' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l port-wait -d 'How long PASV waits for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l claim-timeout -d 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l gone-timeout -d 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l drain-timeout -d 'How long SIGTERM and SIGINT wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l remember-logins -d 'How long a verified password is remembered, so that eight connections do not pay eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-sessions -d 'Sessions in all' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-line -d 'Bytes in a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l delay-after-failures -d 'Failed logins of one user from one address (or of so many different users) before the answers are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l failure-delay -d 'How long they are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l refuse-after-failures -d 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l refuse-address-after-failures -d 'Failed logins of an address in all before it is refused as well' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l site -d 'Look at the site of this machine, that `pasv serve` makes with the same flags'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l json -d 'One JSON object on stdout'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l clear -d 'Say the password in clear too, to look at both; an anonymous login is always tried in clear'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l slow -d 'Find idle time-outs too: leaves control connections alone for up to 5 minutes'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l insecure -d 'Take a certificate that nobody vouches for: whoever is in between reads the password'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l write -d 'Store a small file of a name of our own three times, have it proven by HASH or SIZE, and delete it. With --site: users may write, as for `pasv serve`'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l anonymous -d 'Let anybody in, beside the users'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l explain -d 'Tell in the banner what the firewalls on both sides must let through, rule by rule'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s q -l quiet -d 'Print no banner'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l no-passive -d 'Refuse EPSV and PASV'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l no-active -d 'Refuse EPRT and PORT'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -l allow-truncated -d 'Publish uploads that end without close_notify, which anybody in between may have cut'
complete -c pasv -n "__fish_pasv_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l for -d 'The firewall to write for [default: what this machine runs]' -r -f -a "nftables\t'Linux: a whole rule set of its own, for `nft -f`'
nftables-insert\t'Linux: into a chain of nftables that is there already'
nftables-router\t'Linux router before the server: DNAT and forwarding'
iptables\t'Linux: a whole rule set, for `iptables-restore` and `ip6tables-restore`'
iptables-insert\t'Linux: commands beside the rules of iptables that are there already'
ufw\t'Ubuntu\'s front end'
firewalld\t'Fedora\'s and Red Hat\'s front end'
pf\t'OpenBSD, FreeBSD, macOS: lines for pf.conf'
aws\t'Amazon: security group'
aws-nacl\t'Amazon: network ACL of the subnet'
gcp\t'Google Cloud: VPC firewall rules'
azure\t'Azure: network security group'
windows\t'Windows Defender Firewall, in PowerShell'
cisco\t'Cisco IOS: a pair of extended access lists'
mikrotik\t'MikroTik RouterOS: a router before the server'
kubernetes\t'a Service of type LoadBalancer'
docker\t'published ports of a container'
haproxy\t'HAProxy before one server or several'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l mode -d 'Which mode to let through [default: passive, where the site offers it]' -r -f -a "passive\t'The client opens both connections'
active\t'The server opens the data connection'
both\t'Either'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l from -d 'Let in clients of this network only. May be given several times [default: everybody]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l keep -d 'Other TCP ports that a whole rule set leaves open, as PORT or LO-HI, or `none`. May be given several times: those given stand in place of the default [default: 22]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l inside -d 'The server\'s own address behind a router or a balancer. One of each family, or (HAProxy) one for each server' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l chain -d 'The chain for nftables-insert [default: the one of this machine that decides, or `inet filter input`]' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l root -d 'The folder to share' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l listen -d 'Where to listen: ADDRESS:PORT, or a port for every address [default: 2121]. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l passive-ports -d 'The ports that clients open data connections to. The firewall must let them in' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l external -d 'The IPv4 address that PASV tells clients from outside, where NAT stands before the site' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l proxy-from -d 'A balancer before the site, by its network: its connections, control and data, begin with a PROXY header, version 1 or 2. Nobody else\'s header is believed. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l user -d 'Let this user in, with the password in the file (or one made up and shown); nobody else then' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l log-format -d 'How log lines are written, to stderr' -r -f -a "text\t'Lines for people'
json\t'One JSON object a line'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l log-level -d 'Which log lines: error, warn, info, debug, or a filter such as `server=debug`' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l xferlog -d 'Append the classic transfer log to a file' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l ready-file -d 'Write the addresses and ports as JSON to a file when the site is up' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l sync -d 'When an upload counts as done: on the disk, or with the kernel' -r -f -a "always\t'The file and its name are on the disk before the client hears 226'
never\t'The kernel writes when it likes; a power cut may lose what was acknowledged'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l keep-parts -d 'How long the part of a broken upload is kept for the client to resume' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l hang-up -d 'What becomes of an unencrypted upload whose client hangs up at its end, without QUIT and without waiting for the reply, as a process does that is killed, and as some cameras do: keep it to be resumed, or publish it' -r -f -a "keep\t''
publish\t''"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l umask -d 'Permission bits that uploads do not get' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l active-port -d 'Dial active data connections from this port; the classic one is 20, which needs root' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-mss -d 'Keep the packets of data connections small, and let routers cut them (no DF bit): where listings arrive and files stop after their first bytes. 1200 passes everywhere' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l tls -d 'Where TLS may be, or must be, on the addresses of --listen' -r -f -a "off\t'Nowhere'
offered\t'Who wants it has it'
required\t'Nobody logs in without it'
required-data\t'Nor is anything transferred without it'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l listen-tls -d 'Listen for clients that speak TLS at once (ftps://, implicit TLS). May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l cert -d 'The certificate and those above it, in PEM; read again when the file changes. May be given several times, each with its --key: the name that a client asks for decides. Without any, one is made at the first start and kept' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l key -d 'The key of the certificate, in PEM' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme -d 'Get a certificate for this host name from an authority by ACME, and renew it. May be given several times: one certificate for all names. Port 80 of each name must reach this machine, see --acme-listen. Using this is agreeing to the authority\'s terms of service. Beside --cert it is one more certificate, shown to who asks for its names' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-directory -d 'The ACME directory of the authority; by itself, Let\'s Encrypt' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-contact -d 'Where the authority can reach you, told to it when the account is made. May be given several times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-listen -d 'Where the authority\'s questions (HTTP-01) are answered, while it asks and only then. It asks port 80: this may be another port where a firewall or a web server forwards that to it' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l acme-ca -d 'Who vouches for the directory itself, beside the system\'s authorities, in PEM: for an authority of your own' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-reuse -d 'Must a protected data connection resume the TLS session of its own control connection?' -r -f -a "require\t'Always: others are refused with 522'
learn\t'Once a client has done it, it must from then on'
off\t'Never'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert -d 'Ask clients for a certificate when TLS begins, or require one [default: off, or ask with --client-cert-users]' -r -f -a "off\t'They are not asked'
ask\t'They may have none'
require\t'Without one there is no TLS'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-ca -d 'The authorities that vouch for clients\' certificates, in PEM. Without them any certificate is taken, and counts by its fingerprint alone' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-crl -d 'Lists of clients\' certificates that are revoked, in PEM; read again when the file changes, as the other two are' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert-users -d 'Whose certificates are whose, a line for each: `alice sha256:HEX`, or with --client-ca also `alice subject CN=alice,O=Example` (as `openssl x509 -noout -subject -nameopt RFC2253` prints it). Lines that begin with # are skipped; a user may have several' -r -F
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l client-cert-login -d 'What the certificate of a user is worth at the login [default: with-password]' -r -f -a "with-password\t'It is asked for beside the password: without a certificate of their own nobody logs in, but anonymous users do'
without-password\t'It stands in for the password. Who shows none, or another\'s, is asked for the password'"
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-handshakes-per-address -d 'TLS handshakes of one address at once' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l login-timeout -d 'From the connection to the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l idle-timeout -d 'From one command to the next, outside transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l idle-timeout-most -d 'The most that SITE IDLE can ask for' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l data-timeout -d 'From a transfer\'s command to its data connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l stall-timeout -d 'In a transfer, without a byte moving' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l port-wait -d 'How long PASV waits for a free port' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l claim-timeout -d 'From PASV to the transfer that uses it; while others of the address wait for a port, --data-timeout' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l gone-timeout -d 'How long a digest, or other work that moves no byte, goes on when its client has closed the control connection' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l drain-timeout -d 'How long SIGTERM and SIGINT wait for running transfers' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l remember-logins -d 'How long a verified password is remembered, so that eight connections do not pay eight times' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-sessions -d 'Sessions in all' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-sessions-per-address -d 'Sessions from one address' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-line -d 'Bytes in a command line' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-commands-before-login -d 'Commands before the login' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-stat-lines -d 'Lines in the answer to STAT with a pathname' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l max-queue -d 'Commands that wait for the end of a transfer' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l delay-after-failures -d 'Failed logins of one user from one address (or of so many different users) before the answers are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l failure-delay -d 'How long they are held back' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l refuse-after-failures -d 'Failed logins of one user from one address before that user is refused there; failures of so many different users refuse the whole address, except users who have logged in from it within a day' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l refuse-address-after-failures -d 'Failed logins of an address in all before it is refused as well' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l failure-window -d 'How long a failed login counts' -r
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l stateless -d 'For a firewall that looks at single packets and does not follow connections'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l output-drop -d 'For a firewall that drops what goes out as well'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l apply -d 'Change the rules of this machine (nftables): a table of its own where nothing filters, lines in the chains that drop otherwise. Shows what it would do, and asks'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l remove -d 'Take away what --apply has put there. Asks'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l check -d 'Compare the rules of this machine with what the site needs: what is missing, what is too wide'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s y -l yes -d 'Do not ask'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l write -d 'Let users upload, rename and remove'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l anonymous -d 'Let anybody in, beside the users'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l explain -d 'Say above each line which of the four rules it is and what for, and draw the ports of both sides'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s q -l quiet -d 'Print no banner'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l no-passive -d 'Refuse EPSV and PASV'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l no-active -d 'Refuse EPRT and PORT'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l allow-ccc -d 'Let clients end TLS on the control connection (CCC), for firewalls that read it'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -l allow-truncated -d 'Publish uploads that end without close_notify, which anybody in between may have cut'
complete -c pasv -n "__fish_pasv_using_subcommand firewall" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand passwd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "serve" -d 'Share a folder over FTP'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "ls" -d 'List a directory of a site, sorted by name'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "get" -d 'Fetch files of a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "put" -d 'Store files at a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "cat" -d 'Write files of a site to stdout'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "rm" -d 'Delete files of a site, or with -r whole trees'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "mv" -d 'Rename or move a file or directory within a site'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "mkdir" -d 'Make directories of a site'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "rmdir" -d 'Remove empty directories of a site'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "stat" -d 'Show what a site tells of a file or directory'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "trace" -d 'Fetch a file (or list a directory) to nowhere, and draw the dialogue and both connections'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "demo" -d 'Run a site and a client on loopback, and draw one passive and one active transfer'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "doctor" -d 'Find out why a site cannot be used from here, or with --site what is wrong at the site of this machine'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "forget" -d 'Forget the certificates of sites, that they were seen with TLS, and which way to a data connection has worked'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "firewall" -d 'Print the firewall rules that a site needs, or apply them'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "passwd" -d 'Make the line of a password file from a password'
complete -c pasv -n "__fish_pasv_using_subcommand help; and not __fish_seen_subcommand_from serve ls get put cat rm mv mkdir rmdir stat trace demo doctor forget firewall passwd help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
