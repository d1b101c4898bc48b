"""Messages to survivors: their own rules, taken from intake sealed and kept encrypted, and enforced where something is sent."""
