"""What is published, number by number: which there are, the headlines, the records behind each."""
