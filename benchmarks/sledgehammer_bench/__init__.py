"""What the toolkit promises about speed, measured on the local stack."""
