"""What text stands for: numbers, days and moments, in the forms in which people write them."""
