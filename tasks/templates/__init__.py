"""Shape templates: how a part's edges lie, seen from hundreds of sides, compared with the object in a picture.

An embedding knows what kinds of things look like; a template knows this one part. `features` turns renders and
pictures into lists of gradients, `projection` makes them short, `plates` makes those of a part, and `match` finds the
side and the turn that fit best: the score, and the pose.
"""
