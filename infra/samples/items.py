"""The list of sample parts: which shape, in which file and format, and what the customer says of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.samples.shapes import brackets, drive, fasteners, fittings, handles, printed

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.samples.formats import Colour

STEEL: Colour = (0.62, 0.63, 0.65)
ZINC: Colour = (0.74, 0.76, 0.78)
BLACK: Colour = (0.09, 0.09, 0.10)
BRASS: Colour = (0.78, 0.62, 0.29)
GREY: Colour = (0.45, 0.47, 0.49)
IRON: Colour = (0.33, 0.34, 0.35)
WHITE: Colour = (0.92, 0.92, 0.90)
RED: Colour = (0.75, 0.10, 0.09)
ORANGE: Colour = (0.95, 0.42, 0.06)
BLUE: Colour = (0.10, 0.25, 0.62)

ZIP = "Lieferung Müller 2026-03.zip"
METRES_AND_MORE = ("step", "inch", "iges", "3mf", "glb", "gltf", "dae")  # formats that know their unit


@dataclass(frozen=True)
class Item:
    """One sample file: `form` names its writer; an empty `name` means that `parts.csv` does not list it.

    `photo` is a picture that `parts.csv` names; `again` are further (file, form) of the same part.
    """

    number: str
    file: str
    form: str
    shape: Callable[[], Any]
    name: str = ""
    description: str = ""
    material: str = ""
    colour: Colour = STEEL
    photo: str = ""
    again: tuple[tuple[str, str], ...] = ()

    @property
    def listed(self) -> bool:
        """Whether `parts.csv` has a row for it."""
        return bool(self.name)

    @property
    def has_unit(self) -> bool:
        """Whether the format says which unit it is in."""
        return self.form in METRES_AND_MORE


A2, STEEL_88 = "Edelstahl A2-70", "Stahl 8.8 verzinkt"
BOLT = partial(partial, fasteners.hex_bolt)
SOCKET = partial(partial, fasteners.socket_screw)

FASTENERS = (
    Item("DIN933-M8x20", "fasteners/DIN 933 M8x20.step", "step", BOLT(8, 20), "Sechskantschraube M8x20", "Hexagon bolt, full thread, ISO 4017", A2),
    Item("DIN933-M8x30", "fasteners/DIN 933 M8x30.step", "step", BOLT(8, 30), "Sechskantschraube M8x30", "Hexagon bolt, full thread, ISO 4017", A2),
    Item("DIN933-M8x45", "fasteners/DIN 933 M8x45.3mf", "3mf", BOLT(8, 45), "Sechskantschraube M8x45", "Hexagon bolt, full thread, ISO 4017", A2),
    Item("DIN931-M8x60", "fasteners/DIN 931 M8x60.glb", "glb", BOLT(8, 60, 38), "Sechskantschraube M8x60", "Hexagon bolt with shank, ISO 4014", STEEL_88, ZINC),
    Item("DIN933-M10x30", "fasteners/DIN 933 M10x30.ply", "ply", BOLT(10, 30), "Sechskantschraube M10x30", "Hexagon bolt, full thread, ISO 4017", STEEL_88, ZINC),
    Item("DIN933-M6x30", "fasteners/DIN_933_M6X30.STP", "step", BOLT(6, 30), "Sechskantschraube M6x30", "Hexagon bolt, full thread, ISO 4017", A2),
    Item("DIN912-M6x16", "fasteners/DIN 912 M6x16.step", "step", SOCKET(6, 16), "Zylinderschraube M6x16", "Socket head cap screw, ISO 4762", "Stahl 12.9 brüniert", BLACK),
    Item("DIN912-M6x25", "fasteners/DIN912_M6x25.glb", "glb", SOCKET(6, 25), "Zylinderschraube M6x25", "Socket head cap screw, ISO 4762", "Stahl 12.9 brüniert", BLACK),
    Item("DIN912-M6x40", "fasteners/DIN912_M6x40.3MF", "3mf", SOCKET(6, 40, 16), "Zylinderschraube M6x40", "Socket head cap screw, ISO 4762", "Stahl 12.9 brüniert", BLACK),
    Item("DIN7991-M6x20", "fasteners/Senkschraube DIN 7991 M6x20.igs", "iges", partial(fasteners.countersunk_screw, 6, 20), "Senkschraube M6x20", "Countersunk socket screw, ISO 10642", A2),
    Item("DIN934-M8", "fasteners/Mutter M8 DIN 934.step", "step", partial(fasteners.hex_nut, 8), "Sechskantmutter M8", "Hexagon nut, ISO 4032", A2),
    Item("DIN934-M10", "fasteners/Mutter M10 DIN 934.obj", "obj", partial(fasteners.hex_nut, 10), "Sechskantmutter M10", "Hexagon nut, ISO 4032", STEEL_88, ZINC),
    Item("DIN985-M8", "fasteners/DIN985-M8.ply", "ply", partial(fasteners.lock_nut, 8), "Sicherungsmutter M8", "Lock nut with nylon insert, ISO 10511", STEEL_88, ZINC),
    Item("DIN6923-M8", "fasteners/DIN6923-M8.glb", "glb", partial(fasteners.flange_nut, 8), "Flanschmutter M8", "Serrated flange nut, ISO 4161", STEEL_88, ZINC),
    Item("DIN315-M8", "fasteners/Flügelmutter M8.step", "step", partial(fasteners.wing_nut, 8), "Flügelmutter M8", "Wing nut, rounded wings", "CuZn39Pb3", BRASS),
    Item("DIN125-8.4", "fasteners/DIN 125 - 8,4.step", "step", partial(fasteners.washer, 8.4, 16, 1.6), "Unterlegscheibe 8,4", "Plain washer form B, ISO 7090", A2),
    Item("DIN9021-8.4", "fasteners/DIN 9021 - 8,4.stl", "stl-text", partial(fasteners.washer, 8.4, 24, 2), "Unterlegscheibe groß 8,4", "Large washer, ISO 7093", STEEL_88, ZINC),
    Item("DIN127-8", "fasteners/Federring 8.stl", "stl-text", partial(fasteners.spring_washer, 8.1, 14.8, 2), "Federring 8", "Spring lock washer form B", "Federstahl verzinkt", ZINC),
    Item("DIN471-20", "fasteners/DIN471-20.IGS", "iges", partial(fasteners.circlip, 20), "Sicherungsring 20x1,2", "External circlip for shafts", "Federstahl phosphatiert", BLACK),
    Item("DIN6885-8x7x32", "fasteners/Passfeder 8x7x32.off", "off", partial(fasteners.parallel_key, 8, 7, 32), "Passfeder A 8x7x32", "Parallel key, round ends", "C45+C"),
    Item("clevis_pin_10x40", "fasteners/clevis_pin_10x40.stp", "step", partial(fasteners.clevis_pin, 10, 40), colour=ZINC),
    Item("DF-16-40", "springs/DF-16-40.stl", "stl", partial(fasteners.spring, 7, 1.6, 7, 40), "Druckfeder 16x40", "Compression spring, 7 coils", "Federstahl 1.1200"),
    Item("DF-16-65", "springs/DF-16-65.3mf", "3mf", partial(fasteners.spring, 7, 1.6, 11, 65), "Druckfeder 16x65", "Compression spring, 11 coils", "Federstahl 1.1200"),
)  # fmt: skip

TWO, THREE = ((20.0, 0.0), (45.0, 0.0)), ((18.0, 8.0), (18.0, -8.0), (46.0, 0.0))
BRACKETS = (
    Item("4711-1001", "brackets/Winkel 60x40 2-Loch.step", "step", partial(brackets.angle, (60, 40), 30, 3, TWO, ((0, 26),), 6.6), "Winkel 60x40, 2 Bohrungen", "Angle bracket, 2 + 1 holes 6.6", "DC01 verzinkt", ZINC),
    Item("4711-1002", "brackets/Winkel 60x40 3-Loch.step", "step", partial(brackets.angle, (60, 40), 30, 3, THREE, ((0, 26),), 6.6), "Winkel 60x40, 3 Bohrungen", "Angle bracket, 3 + 1 holes 6.6", "DC01 verzinkt", ZINC),
    Item("4711-1003", "brackets/Winkel 60x40 Langloch.obj", "obj", partial(brackets.slotted_angle, (60, 40), 30, 3, 6.6), "Winkel 60x40, Langloch", "Angle bracket with slots", "DC01 verzinkt", ZINC),
    Item("4711-1010", "brackets/Gusswinkel_40.glb", "glb", partial(brackets.ribbed_angle, 40, 38, 4), "Gusswinkel 40", "Die-cast corner bracket with ribs", "GD-Zn, blank", GREY),
    Item("4711-1101", "brackets/Lochplatte 4.igs", "iges", partial(brackets.joining_plate, 120, 24, 4, 4), "Verbindungsplatte 4-Loch", "Joining plate, 4 countersunk holes", "EN AW-6082 T6"),
    Item("4711-1102", "brackets/Lochplatte 5.igs", "iges", partial(brackets.joining_plate, 120, 24, 4, 5), "Verbindungsplatte 5-Loch", "Joining plate, 5 countersunk holes", "EN AW-6082 T6"),
    Item("4711-1111", "brackets/Eckplatte-4.STL", "stl", partial(brackets.corner_plate, 80, 26, 4, 4), "Eckplatte, 4 Bohrungen", "Corner plate, 4 holes", "1.4301"),
    Item("4711-1112", "brackets/Eckplatte-5.STL", "stl", partial(brackets.corner_plate, 80, 26, 4, 5), "Eckplatte, 5 Bohrungen", "Corner plate, 5 holes", "1.4301"),
    Item("SH-30-L", "brackets/Sensorhalter links.step", "step", brackets.sensor_holder, "Sensorhalter links", "Sensor holder, left hand, M12", "1.4301"),
    Item("SH-30-R", "brackets/Sensorhalter rechts.step", "step", lambda: brackets.mirrored(brackets.sensor_holder()), "Sensorhalter rechts", "Sensor holder, right hand, M12", "1.4301"),
    Item("GK-8x16", "brackets/Gabelkopf_8x16.ply", "ply", partial(brackets.clevis, 8), "Gabelkopf 8x16", "Clevis fork head, ISO 8140", "11SMn30 verzinkt", ZINC),
    Item("RS-25", "brackets/Rohrschelle 25.3mf", "3mf", partial(brackets.pipe_clamp, 25), "Rohrschelle 25 mm", "Pipe clamp half, light series", "PP schwarz", BLACK),
    Item("MP-17", "brackets/motor plate NEMA17.step", "step", brackets.motor_plate, "Motorplatte NEMA 17", "Motor mount, stepper 42 mm", "AlMg3 eloxiert schwarz", BLACK),
)  # fmt: skip

DRIVE = (
    Item("SR-2-18", "drive/Stirnrad m2 z18.step", "step", partial(drive.gear, 2, 18, 16, 12), "Stirnrad m2 z18", "Spur gear, module 2, 18 teeth", "16MnCr5", photo="photos/IMG_2041.jpg", again=(("drive/Laser-Teile/stirnrad_18.stl", "stl"),)),
    Item("SR-2-24", "drive/Stirnrad m2 z24.3mf", "3mf", partial(drive.gear, 2, 24, 16, 12), "Stirnrad m2 z24", "Spur gear, module 2, 24 teeth", "16MnCr5"),
    Item("SR-2-32", "drive/Stirnrad m2 z32.glb", "glb", partial(drive.gear, 2, 32, 16, 14, 6), "Stirnrad m2 z32", "Spur gear, module 2, 32 teeth, with openings", "16MnCr5"),
    Item("T5-20", "drive/Zahnriemenscheibe T5-20.glb", "glb", partial(drive.timing_pulley, 20, 16, 8), "Zahnriemenscheibe T5 z20", "Timing pulley T5, 20 teeth, belt 16 mm", "Aluminium EN AW-2007"),
    Item("T5-30", "drive/Zahnriemenscheibe T5-30.3mf", "3mf", partial(drive.timing_pulley, 30, 16, 10), "Zahnriemenscheibe T5 z30", "Timing pulley T5, 30 teeth, belt 16 mm", "Aluminium EN AW-2007"),
    Item("AK30-7/8", "drive/AK30 SHEAVE 0.875 BORE.STEP", "inch", partial(drive.v_pulley, 3.25 * 25.4, 0.875 * 25.4), "V-belt sheave AK30", "Keilriemenscheibe, 1 groove, bore 7/8 inch", "Grauguss GG25", IRON),
    Item("6204-2RS", "drive/6204-2RS.step", "step", partial(drive.bearing, 20, 47, 14), "Rillenkugellager 6204-2RS", "Deep groove ball bearing, sealed, 20x47x14", "100Cr6 poliert"),
    Item("6004-2RS", "drive/6004-2RS.igs", "iges", partial(drive.bearing, 20, 42, 12), "Rillenkugellager 6004-2RS", "Deep groove ball bearing, sealed, 20x42x12", "100Cr6 poliert"),
    Item("GLB-12-18-20", "drive/Gleitlager 12-18-20.off", "off", partial(drive.bushing, 12, 18, 20), "Gleitlagerbuchse 12x18x20", "Plain bushing, ISO 4379", "Bronze CuSn7Zn4Pb7", BRASS),
    Item("GLF-12-18-20", "drive/Bundbuchse 12-18-20.obj", "obj", partial(drive.bushing, 12, 18, 20, 26), "Bundbuchse 12x18x20", "Flanged bushing, ISO 4379", "Bronze CuSn7Zn4Pb7", BRASS),
    Item("W-25-145", "drive/Welle_25x145.step", "step", partial(drive.shaft, [(15, 30), (20, 50), (25, 40), (15, 25)], [(4, 20, 5), (36, 32, 6)]), "Antriebswelle 25x145", "Stepped shaft, two keyways", "42CrMo4"),
    Item("W-20-120", "drive/Welle_20x120.ply", "ply", partial(drive.shaft, [(16, 28), (20, 92)], [(82, 32, 6)]), "Antriebswelle 20x120", "Stepped shaft, one keyway", "42CrMo4"),
    Item("RK-40-14", "drive/Klauenkupplung 40.stl", "stl", partial(drive.jaw_hub, 40, 14), "Kupplungsnabe 40/14", "Jaw coupling hub, 3 claws", "Aluminium EN AW-7075"),
    Item("RK-40-ZK", "drive/Zahnkranz 40.stl", "stl-text", partial(drive.spider, 40), "Zahnkranz 40", "Coupling spider, 98 Shore A", "PU rot", RED),
    Item("KR-08B-15", "drive/Kettenrad 08B z15.dae", "dae", partial(drive.sprocket, 15, 20), "Kettenrad 08B-1 z15", "Chain wheel 1/2 x 5/16 inch, 15 teeth", "C45 gehärtet"),
    Item("KSR-20", "drive/Klemmring 20.gltf", "gltf", partial(drive.shaft_collar, 20, 40, 15), "Klemmring 20", "Clamp collar, split, DIN 912 M5", "Stahl brüniert", BLACK),
)  # fmt: skip

FITTINGS = (
    Item("FL-25-4", "hydraulics/Flansch DN25 4-Loch.step", "step", partial(fittings.flange, 115, 33.7, 85, 4, 14), "Vorschweißflansch DN25, 4 Loch", "Weld neck flange EN 1092-1, PN 16", "1.4571"),
    Item("FL-25-6", "hydraulics/Flansch DN25 6-Loch.igs", "iges", partial(fittings.flange, 115, 33.7, 85, 6, 14), "Vorschweißflansch DN25, 6 Loch", "Weld neck flange, special", "1.4571"),
    Item("FL-25-8", "hydraulics/Flansch DN25 8-Loch.step", "step", partial(fittings.flange, 115, 33.7, 85, 8, 14), "Vorschweißflansch DN25, 8 Loch", "Weld neck flange, special", "1.4571"),
    Item("BFL-25", "hydraulics/Blindflansch DN25.STL", "stl", partial(fittings.blind_flange, 115, 85, 4, 14), "Blindflansch DN25", "Blind flange EN 1092-1 type 05", "1.4571"),
    Item("TG-90-12", "hydraulics/Winkel 90° 1-2 Zoll.glb", "glb", partial(fittings.elbow, 14, 32), "Winkel 90° G1/2", "Malleable iron elbow, female thread", "Temperguss verzinkt", ZINC),
    Item("TG-T-12", "hydraulics/T-Stück 1-2 Zoll.ply", "ply", partial(fittings.tee, 14, 32), "T-Stück G1/2", "Malleable iron tee, female thread", "Temperguss verzinkt", ZINC),
    Item("ST-13-12", "hydraulics/Schlauchtülle 13 G1-2.step", "step", partial(fittings.hose_nipple, 13, 22, 10.4), "Schlauchtülle 13 mm G1/2", "Hose barb, hexagon 22", "CuZn39Pb3", BRASS),
    Item("DN-12", "hydraulics/Doppelnippel G1-2.3mf", "3mf", partial(fittings.double_nipple, 24, 10.4), "Doppelnippel G1/2", "Hexagon nipple, male threads", "CuZn39Pb3 vernickelt"),
    Item("VS-M16", "hydraulics/DIN908 M16x1,5.stp", "step", partial(fittings.plug, 8, 8), "Verschlussschraube M16x1,5", "Screw plug DIN 908 with collar", "Stahl verzinkt", ZINC),
    Item("OR-40x5", "hydraulics/O-Ring 40x5_mm.stl", "stl", partial(fittings.o_ring, 40, 5), "O-Ring 40x5", "ISO 3601", "NBR 70 Shore", BLACK),
    Item("WDR-25-42-8", "hydraulics/WDR 25x42x8.obj", "obj", partial(fittings.shaft_seal, 25, 42, 8), "Wellendichtring 25x42x8", "Rotary shaft seal DIN 3760 A", "NBR 75 Shore, schwarz", BLACK),
)  # fmt: skip

HANDLES = (
    Item("SG-50-5", "controls/Sterngriff 50.glb", "glb", partial(handles.star_knob, 50, 5), "Sterngriff 50", "Star grip, 5 lobes, M8 bush", "PA6 schwarz", BLACK),
    Item("SG-50-7", "controls/Sterngriff 50-7.ply", "ply", partial(handles.star_knob, 50, 7), "Sterngriff 50, 7-fach", "Star grip, 7 lobes, M8 bush", "PA6 schwarz", BLACK),
    Item("KK-32", "controls/kugelknopf_32.STEP", "step", partial(handles.ball_knob, 32), "Kugelknopf 32", "Ball knob DIN 319", "Phenoplast rot", RED),
    Item("RS-24", "controls/rändelschraube M6.ply", "ply", partial(handles.knurled_knob, 24, 40), "Rändelschraube M6x16", "Knurled thumb screw DIN 464", "CuZn39Pb3", BRASS),
    Item("BG-120", "controls/Bügelgriff 120.step", "step", partial(handles.bow_handle, 120, 40), "Bügelgriff 120", "Bow handle, oval section", "PA6-GF30 schwarz", BLACK),
    Item("KH-M8", "controls/Klemmhebel M8.glb", "glb", handles.clamping_lever, "Klemmhebel M8x20", "Adjustable clamping lever", "Zinkdruckguss orange lackiert", ORANGE),
)  # fmt: skip

PRINTED = (
    Item("housing_lid_4R", "printed/housing_lid_4R.step", "step", partial(printed.box_lid, 90, 60, 14, 4), colour=GREY),
    Item("housing_lid_3R", "printed/housing_lid_3R.3mf", "3mf", partial(printed.box_lid, 90, 60, 14, 3), colour=GREY),
    Item("EK-36", "printed/Kettenglied 36.stl", "stl", partial(printed.chain_link, 36), "Energiekettenglied 36", "Cable chain link, inner width 36", "PA6 schwarz", BLACK),
    Item("FAN_DUCT_v3", "printed/FAN_DUCT_v3.STL", "stl", printed.air_duct, colour=ORANGE),
    Item("RH-T2-9", "printed/Riemenhalter.3mf", "3mf", partial(printed.belt_holder, 9), "Riemenhalter 9 Zähne", "Belt clamp, printed", "PETG orange", ORANGE),
    Item("DR-60", "printed/Distanzrahmen 60.dae", "dae", partial(printed.spacer_frame, 60), "Distanzrahmen 60", "Spacer frame with cross ribs", "ABS weiß", WHITE),
    Item("DP-56", "printed/Durchführung 56.gltf", "gltf", printed.grommet_plate, "Durchführungsplatte 56", "Grommet plate with snap hooks", "POM weiß", WHITE),
)  # fmt: skip

DELIVERY = (
    Item("LR-80", f"{ZIP}/Zukaufteile/Laufrolle 80.step", "step", partial(handles.castor_wheel, 80, 30), "Laufrolle 80", "Wheel, plain bearing, rubber tread", "Gummi grau / PP", GREY),
    Item("GP-30-25", f"{ZIP}/Zukaufteile/Gummipuffer 30x25.step", "step", partial(handles.rubber_buffer, 30, 25), "Gummipuffer 30x25 M8", "Rubber-metal buffer type B", "NR 55 Shore, schwarz", BLACK),
    Item("SF-60-M12", f"{ZIP}/Zukaufteile/Stellfuß M12x80.stl", "stl", partial(handles.levelling_foot, 60, 80), "Stellfuß 60 M12x80", "Levelling foot, ball joint", "Edelstahl 1.4305"),
    Item("cable_clip_12", f"{ZIP}/Zukaufteile/Kleinteile/cable_clip_12.stl", "stl-text", partial(printed.cable_clip, 12), colour=BLUE),
)  # fmt: skip

ITEMS = (*FASTENERS, *BRACKETS, *DRIVE, *FITTINGS, *HANDLES, *PRINTED, *DELIVERY)
