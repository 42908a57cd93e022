"""Drives Python's ftplib for the tests: PORT USER PASSWORD TLS VERB [ARGUMENT...]; names as hexadecimal bytes.

TLS is clear, or WAY-VERSION-SESSIONS: explicit or implicit, 1.2 or 1.3, plain or resumes.
"""
import ftplib
import os
import socket
import ssl
import sys

port, user, password, tls, verb = sys.argv[1:6]
arguments = [bytes.fromhex(word) for word in sys.argv[6:]]


class Resuming(ftplib.FTP_TLS):
    """Resumes the control connection's session on data connections, which ftplib never does by itself."""

    def ntransfercmd(self, cmd, rest=None):
        data, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:
            data = self.context.wrap_socket(data, server_hostname=self.host, session=self.sock.session)
            if not data.session_reused:
                sys.exit("the data connection resumes nothing")
        return data, size


def connect_implicit(ftp, host, port):
    """What FTP.connect does, with TLS first."""
    ftp.host, ftp.port = host, port
    ftp.sock = socket.create_connection((host, port), ftp.timeout)
    ftp.af = ftp.sock.family
    ftp.sock = ftp.context.wrap_socket(ftp.sock, server_hostname=host)
    ftp.file = ftp.sock.makefile("r", encoding=ftp.encoding)
    ftp.welcome = ftp.getresp()


def connect():
    # Latin-1 maps every byte to one character and back, so that names stay the bytes they are.
    if tls == "clear":
        ftp = ftplib.FTP(encoding="latin-1", timeout=60)
        ftp.connect("127.0.0.1", int(port))
        ftp.login(user, password)
        return ftp
    way, version, sessions = tls.split("-")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    wanted = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
    context.minimum_version = context.maximum_version = wanted
    kind = Resuming if sessions == "resumes" else ftplib.FTP_TLS
    ftp = kind(context=context, encoding="latin-1", timeout=60)
    if way == "implicit":
        connect_implicit(ftp, "127.0.0.1", int(port))
    else:
        ftp.connect("127.0.0.1", int(port))
    ftp.login(user, password)
    ftp.prot_p()
    return ftp


def remote(name):
    return name.decode("latin-1")


def download(name, to, offset=None):
    with open(to, "ab" if offset else "wb") as file:
        ftp.retrbinary("RETR " + remote(name), file.write, rest=offset)


def upload(name, source, offset=None):
    with open(source, "rb") as file:
        file.seek(offset or 0)
        ftp.storbinary("STOR " + remote(name), file, rest=offset)


def tree_down(folder, to):
    os.makedirs(to, exist_ok=True)
    for name, facts in list(ftp.mlsd(remote(folder))):
        inner = name.encode("latin-1")
        if facts["type"] == "dir":
            tree_down(folder + b"/" + inner, os.path.join(to, inner))
        elif facts["type"] == "file":
            download(folder + b"/" + inner, os.path.join(to, inner))


def tree_up(folder, source):
    ftp.mkd(remote(folder))
    for entry in os.scandir(source):
        if entry.is_dir():
            tree_up(folder + b"/" + entry.name, entry.path)
        else:
            upload(folder + b"/" + entry.name, entry.path)


def abort_download(name):
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("RETR " + remote(name))
    data.recv(1000)
    print(ftp.abort())
    data.close()
    # What abort() read is the 426; the 226 of ABOR itself follows.
    print(ftp.getresp())


def abort_upload(name):
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("STOR " + remote(name))
    data.sendall(bytes(1000))
    print(ftp.abort())
    data.close()
    print(ftp.getresp())


def refused(name):
    try:
        ftp.retrbinary("RETR " + remote(name), len)
    except ssl.SSLError:
        pass
    try:
        ftp.voidresp()
    except ftplib.error_perm as error:
        print(error)


ftp = connect()
if verb == "list":
    ftp.retrlines("LIST " + remote(arguments[0]), lambda line: sys.stdout.buffer.write(line.encode("latin-1") + b"\n"))
elif verb == "nlst":
    for name in ftp.nlst(remote(arguments[0])):
        sys.stdout.buffer.write(name.encode("latin-1") + b"\n")
elif verb == "mlsd":
    for name, facts in ftp.mlsd(remote(arguments[0])):
        sys.stdout.buffer.write(name.encode("latin-1") + b"\n")
elif verb == "download":
    download(*arguments)
elif verb == "download-active":
    ftp.set_pasv(False)
    download(*arguments)
elif verb == "download-from":
    download(arguments[0], arguments[1], os.path.getsize(arguments[1]))
elif verb == "upload":
    upload(*arguments)
elif verb == "upload-from":
    ftp.voidcmd("TYPE I")
    upload(arguments[0], arguments[1], ftp.size(remote(arguments[0])))
elif verb == "tree-down":
    tree_down(*arguments)
elif verb == "tree-up":
    tree_up(*arguments)
elif verb == "refused":
    refused(arguments[0])
elif verb == "abort":
    abort_download(arguments[0])
    # And the connection is as good as before.
    abort_download(arguments[0])
    download(arguments[0], arguments[1])
    abort_upload(arguments[0] + b".broken")
else:
    sys.exit("unknown verb " + verb)
ftp.quit()
