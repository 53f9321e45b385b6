"""Masks find their images by name and folder, and say what they show."""

import pytest

from trainer.mask_pairs import paired


@pytest.mark.parametrize(
    ("mask", "kind"),
    [
        ("masks/x.png", "mask"),
        ("x_mask.png", "mask"),
        ("masks/lungs/x.png", "lung"),
        ("lung masks/x.png", "lung"),
        ("infection masks/x.png", "lesion"),
        ("lesion_masks/x.png", "lesion"),
        ("ManualMask/leftMask/x.png", "left lung"),
        ("ManualMask/right_lung_mask/x.png", "right lung"),
        ("masks/Mass/x.png", "lesion"),
        ("Lung Opacity/masks/x.png", "mask"),
        ("plunging masks/x.png", "mask"),
        ("x_lungmask.png", "lung"),
        ("x_mask_left.png", "left lung"),
        ("x-mask-r.png", "right lung"),
        ("x_infection_mask.png", "lesion"),
        ("x_seg.png", "mask"),
        ("Ground-truths/mask_x.png", "mask"),
    ],
)
def test_what_a_mask_shows(mask: str, kind: str) -> None:
    assert paired(["images/x.jpg"], [mask], findings=["mass"]) == {"images/x.jpg": ((kind, mask),)}
    other = {"mask": "lung"}.get(kind, kind)
    assert paired(["images/x.jpg"], [mask], findings=["mass"], other="lung")["images/x.jpg"][0][0] == other


def test_a_mask_is_of_the_image_that_is_called_most_alike() -> None:
    assert paired(["x.png", "x_lung.png"], ["x_lung_mask.png"]) == {"x_lung.png": (("lung", "x_lung_mask.png"),)}
    assert paired(["x.png"], ["x_lung_mask.png"]) == {"x.png": (("lung", "x_lung_mask.png"),)}


def test_masks_of_one_image_are_kept_together_and_sorted() -> None:
    masks = ["m/right mask/x.png", "m/left mask/x.png", "masks/x_mask.png", "masks/nobody.png"]
    found = paired(["a/x.png"], masks)
    assert found == {"a/x.png": (("left lung", masks[1]), ("mask", masks[2]), ("right lung", masks[0]))}


def test_of_several_images_the_one_whose_folders_agree() -> None:
    images = ["COVID/images/1.png", "Normal/images/1.png"]
    found = paired(images, ["Normal/masks/1.png", "COVID/masks/1.png"])
    assert found == {images[0]: (("mask", "COVID/masks/1.png"),), images[1]: (("mask", "Normal/masks/1.png"),)}
    assert paired(images, ["masks/1.png"]) == {}, "it may be of either"


def test_names_count_whatever_their_case_and_ending() -> None:
    assert paired(["NORMAL-1.PNG"], ["masks/Normal-1.bmp"]) == {"NORMAL-1.PNG": (("mask", "masks/Normal-1.bmp"),)}
    assert paired(["a-1.png"], ["masks/a-10.png"]) == {}
    assert paired([], ["masks/a.png"]) == {}


def test_a_mask_of_one_class_is_of_no_image_in_another() -> None:
    assert paired(["COVID/images/a.png"], ["Normal/masks/a.png"], apart=["COVID", "Normal"]) == {}
