"""Which cities and kecamatan Jakarta has: Kemendagri codes and names (Kepmendagri 300.2.2-2138/2430 of 2025)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "31.01": "Kabupaten Administrasi Kepulauan Seribu",
        "31.71": "Kota Administrasi Jakarta Pusat",
        "31.72": "Kota Administrasi Jakarta Utara",
        "31.73": "Kota Administrasi Jakarta Barat",
        "31.74": "Kota Administrasi Jakarta Selatan",
        "31.75": "Kota Administrasi Jakarta Timur",
    }
)

DISTRICTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "31.01.01": "Kepulauan Seribu Utara",
        "31.01.02": "Kepulauan Seribu Selatan",
        "31.71.01": "Gambir",
        "31.71.02": "Sawah Besar",
        "31.71.03": "Kemayoran",
        "31.71.04": "Senen",
        "31.71.05": "Cempaka Putih",
        "31.71.06": "Menteng",
        "31.71.07": "Tanah Abang",
        "31.71.08": "Johar Baru",
        "31.72.01": "Penjaringan",
        "31.72.02": "Tanjung Priok",
        "31.72.03": "Koja",
        "31.72.04": "Cilincing",
        "31.72.05": "Pademangan",
        "31.72.06": "Kelapa Gading",
        "31.73.01": "Cengkareng",
        "31.73.02": "Grogol Petamburan",
        "31.73.03": "Taman Sari",
        "31.73.04": "Tambora",
        "31.73.05": "Kebon Jeruk",
        "31.73.06": "Kalideres",
        "31.73.07": "Pal Merah",
        "31.73.08": "Kembangan",
        "31.74.01": "Tebet",
        "31.74.02": "Setiabudi",
        "31.74.03": "Mampang Prapatan",
        "31.74.04": "Pasar Minggu",
        "31.74.05": "Kebayoran Lama",
        "31.74.06": "Cilandak",
        "31.74.07": "Kebayoran Baru",
        "31.74.08": "Pancoran",
        "31.74.09": "Jagakarsa",
        "31.74.10": "Pesanggrahan",
        "31.75.01": "Matraman",
        "31.75.02": "Pulogadung",
        "31.75.03": "Jatinegara",
        "31.75.04": "Kramatjati",
        "31.75.05": "Pasar Rebo",
        "31.75.06": "Cakung",
        "31.75.07": "Duren Sawit",
        "31.75.08": "Makasar",
        "31.75.09": "Ciracas",
        "31.75.10": "Cipayung",
    }
)

DISTRICTS_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {city: tuple(code for code in DISTRICTS if code.startswith(f"{city}.")) for city in CITIES}
)
