"""What the numbers say of each rep: the models of the room `people`, and whether they find causes."""
