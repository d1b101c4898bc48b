"""A local certificate authority, for connections to NATS where no public one is at hand: made once, its certificates renewed at a start."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LASTS = timedelta(days=3650)
LASTS = timedelta(days=397)
RENEWED = timedelta(days=90)  # before its end, at the next start
SKEW = timedelta(hours=1)  # a client's clock may be behind


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of a server's certificate and key, and of the authority that a client trusts."""

    ca: Path
    certificate: Path
    key: Path

    def block(self) -> str:
        """What a broker's configuration says of it."""
        return f'tls {{ cert_file: "{self.certificate}", key_file: "{self.key}" }}\n'


def certificate(folder: Path, names: Sequence[str], name: str = "nats") -> Certificate:
    """The certificate for a server of these names and addresses, made or renewed where it is needed; keys are readable by their owner only."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = Certificate(folder / "ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
    signer = folder / "ca.key"
    if not signer.exists() or not made.ca.exists():
        _make_authority(made.ca, signer)
    if not _still_good(made, names):
        _sign(made, signer, names)
    return made


def _make_authority(ca: Path, signer: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Naungan local authority")])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = _builder(subject, subject, key, now, AUTHORITY_LASTS).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = made.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    _write(signer, _pem(key), 0o600)
    _write(ca, signed.public_bytes(Encoding.PEM), 0o644)


def _sign(made: Certificate, signer: Path, names: Sequence[str]) -> None:
    authority, by = x509.load_pem_x509_certificate(made.ca.read_bytes()), load_pem_private_key(signer.read_bytes(), None)
    if not isinstance(by, ec.EllipticCurvePrivateKey):
        message = f"{signer} is no key of a local authority"
        raise TypeError(message)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    built = _builder(subject, authority.subject, key, datetime.now(UTC), LASTS)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(x509.SubjectAlternativeName([_named(name) for name in names]), critical=False)
    # A broker of a cluster is a client of the others too.
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    built = built.add_extension(uses, critical=False)
    built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    _write(made.key, _pem(key), 0o600)
    _write(made.certificate, built.sign(by, hashes.SHA256()).public_bytes(Encoding.PEM), 0o644)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lasts: timedelta) -> x509.CertificateBuilder:
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
    )
    built = built.not_valid_before(now - SKEW).not_valid_after(now + lasts)
    return built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _still_good(made: Certificate, names: Sequence[str]) -> bool:
    if not made.certificate.exists() or not made.key.exists():
        return False
    found, authority = x509.load_pem_x509_certificate(made.certificate.read_bytes()), x509.load_pem_x509_certificate(made.ca.read_bytes())
    try:
        found.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is made anew
        return False
    held = list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    return held == [_named(name) for name in names] and found.not_valid_after_utc - datetime.now(UTC) > RENEWED


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    part = path.with_suffix(f"{path.suffix}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    part.replace(path)
