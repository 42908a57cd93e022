// Drives basic-ftp for the tests: MODULES PORT USER PASSWORD TLS VERB [ARGUMENT...]
// TLS is clear, explicit or implicit.
const { Client } = require(require("path").join(process.argv[1], "basic-ftp"));
const [port, user, password, tls, verb, ...arguments_] = process.argv.slice(2);

async function missing(client, action) {
  try {
    await action();
  } catch (error) {
    console.log(`${error.code} ${error.message}`);
    // The session goes on.
    await client.pwd();
    return;
  }
  throw new Error("it was not refused");
}

const verbs = {
  async list(client, folder) {
    for (const { name } of await client.list(folder)) console.log(name);
  },
  download: (client, name, to) => client.downloadTo(to, name),
  "download-from": (client, name, to) =>
    client.downloadTo(to, name, require("fs").statSync(to).size),
  upload: (client, name, from) => client.uploadFrom(from, name),
  "tree-down": (client, name, here) => client.downloadToDir(here, name),
  "tree-up": (client, name, here) => client.uploadFromDir(here, name),
  // Many times, since it is a race that a wrong server loses now and then.
  async "refused-download"(client, name, to) {
    for (let n = 0; n < 20; n++) await missing(client, () => client.downloadTo(to, name));
  },
  async "refused-upload"(client, name, from) {
    for (let n = 0; n < 20; n++) await missing(client, () => client.uploadFrom(from, name));
  },
  async "refused-list"(client, name) {
    for (let n = 0; n < 20; n++) await missing(client, () => client.list(name));
  },
};

(async () => {
  const client = new Client(60000);
  try {
    await client.access({
      host: "127.0.0.1",
      port: Number(port),
      user,
      password,
      secure: { clear: false, explicit: true, implicit: "implicit" }[tls],
      secureOptions: { rejectUnauthorized: false },
    });
    await verbs[verb](client, ...arguments_);
  } finally {
    client.close();
  }
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
