"""Ways out of the platform: e-mail by SMTP, SMS and WhatsApp through a gateway of the operator's, and the texts that go over them. None is there by default."""
