"""The rights of whom intake keeps data of: holds, erasure, requests, break-glass, retention."""
