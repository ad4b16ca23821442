"""Makes certificates for tests, good ones and bad ones, with the openssl program.

    python3 certificates.py DIRECTORY

writes, and make(DIRECTORY) also returns by name:

    ca            the authority that signed the others; only its .cert is of use
    good          for localhost, 127.0.0.1 and ::1
    expired       the same, but its time was over yesterday
    wrong_host    for another host
    self_signed   for the right hosts, but signed by itself
    client        a client's; the same as good, but for nobody's host
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

HERE = "DNS:localhost,IP:127.0.0.1,IP:::1"
ELSEWHERE = "DNS:elsewhere.example"


class Pair(NamedTuple):
    """Two PEM files."""

    cert: Path
    key: Path


def openssl(*arguments):
    # A sanitizer that is loaded into us is not for the programs of others.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(["openssl", *map(str, arguments)], env=environment,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")


def pair(directory, name):
    return Pair(directory / f"{name}.pem", directory / f"{name}.key")


def request_options(key):
    return ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key]


def self_signed(directory, name, *extensions):
    made = pair(directory, name)
    added = [word for extension in extensions for word in ("-addext", extension)]
    openssl(*request_options(made.key), "-x509", "-days", "30", "-subj", f"/CN=test {name}",
            *added, "-out", made.cert)
    return made


def signed(directory, name, ca, hosts, days):
    made = pair(directory, name)
    csr, extensions = directory / f"{name}.csr", directory / f"{name}.ext"
    openssl(*request_options(made.key), "-subj", f"/CN=test {name}", "-out", csr)
    extensions.write_text(f"subjectAltName={hosts}\nbasicConstraints=CA:FALSE\n"
                          "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", csr, "-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial",
            "-days", days, "-extfile", extensions, "-out", made.cert)
    return made


def make(directory):
    """Makes them all in the directory. Returns {name: Pair}."""
    directory = Path(directory)
    ca = self_signed(directory, "ca", "basicConstraints=critical,CA:TRUE",
                     "keyUsage=critical,keyCertSign,cRLSign")
    return {
        "ca": ca,
        "good": signed(directory, "good", ca, HERE, 30),
        "expired": signed(directory, "expired", ca, HERE, -1),
        "wrong_host": signed(directory, "wrong_host", ca, ELSEWHERE, 30),
        "self_signed": self_signed(directory, "self_signed", f"subjectAltName={HERE}"),
        "client": signed(directory, "client", ca, "DNS:client.example", 30),
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"Usage: {sys.argv[0]} DIRECTORY")
    for made_name, made_pair in make(sys.argv[1]).items():
        print(made_name, made_pair.cert, made_pair.key)
