"""STEP files with names, colours and instances, written through the kernel's document model."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from infra.samples.formats import Colour


@dataclass(frozen=True)
class Node:
    """A product: a part with a `shape`, or an assembly of `children` that each stand at a location."""

    name: str
    shape: Any = None
    colour: Colour | None = None
    children: tuple[tuple[Node, Any], ...] = field(default=())


def write(root: Node, path: Path, inches: bool = False) -> None:
    """STEP AP214 of `root`; a node that occurs several times is written once and instanced.

    The header's time, the only thing that changes between runs, is fixed.
    """
    from OCP.IFSelect import IFSelect_ReturnStatus
    from OCP.Interface import Interface_Static
    from OCP.STEPCAFControl import STEPCAFControl_Controller, STEPCAFControl_Writer
    from OCP.STEPControl import STEPControl_StepModelType

    from infra.samples.formats import STAMP

    quiet()
    STEPCAFControl_Controller.Init_s()
    Interface_Static.SetIVal_s("write.surfacecurve.mode", 0)
    Interface_Static.SetCVal_s("write.step.schema", "AP214IS")
    Interface_Static.SetCVal_s("write.step.unit", "INCH" if inches else "MM")
    writer = STEPCAFControl_Writer()
    writer.SetColorMode(True)
    writer.SetNameMode(True)
    writer.Transfer(_document(root), STEPControl_StepModelType.STEPControl_AsIs)
    if writer.Write(str(path)) != IFSelect_ReturnStatus.IFSelect_RetDone:
        raise RuntimeError(f"{path} could not be written as STEP.")
    text = re.sub(r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d'", f"'{STAMP}'", path.read_text(encoding="utf-8"), count=1)
    path.write_text(text, encoding="utf-8")


def quiet() -> None:
    """Keep the kernel's progress messages off the terminal; errors still come."""
    from OCP.Message import Message, Message_Gravity

    for printer in Message.DefaultMessenger_s().Printers():
        printer.SetTraceLevel(Message_Gravity.Message_Fail)


def _document(root: Node) -> Any:
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDocStd import TDocStd_Document
    from OCP.XCAFApp import XCAFApp_Application
    from OCP.XCAFDoc import XCAFDoc_DocumentTool

    document = TDocStd_Document(TCollection_ExtendedString("XmlOcaf"))
    application = XCAFApp_Application.GetApplication_s()
    application.NewDocument(TCollection_ExtendedString("MDTV-XCAF"), document)
    application.InitDocument(document)
    XCAFDoc_DocumentTool.SetLengthUnit_s(document, 0.001)
    shapes = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    colours = XCAFDoc_DocumentTool.ColorTool_s(document.Main())
    _add(root, shapes, colours, {})
    shapes.UpdateAssemblies()
    return document


def _add(node: Node, shapes: Any, colours: Any, known: dict[int, Any]) -> Any:
    """Label of `node` in the document, made at its first occurrence."""
    from OCP.Quantity import Quantity_Color, Quantity_TypeOfColor
    from OCP.XCAFDoc import XCAFDoc_ColorType

    if id(node) in known:
        return known[id(node)]
    if node.shape is not None:
        label = shapes.AddShape(node.shape.wrapped, False)
    else:
        label = shapes.NewShape()
        for child, location in node.children:
            instance = shapes.AddComponent(label, _add(child, shapes, colours, known), location.wrapped)
            _name(instance, child.name)
    _name(label, node.name)
    if node.colour is not None:
        shade = Quantity_Color(*node.colour, Quantity_TypeOfColor.Quantity_TOC_sRGB)
        colours.SetColor(label, shade, XCAFDoc_ColorType.XCAFDoc_ColorSurf)
    known[id(node)] = label
    return label


def _name(label: Any, name: str) -> None:
    from OCP.TCollection import TCollection_ExtendedString
    from OCP.TDataStd import TDataStd_Name

    TDataStd_Name.Set_s(label, TCollection_ExtendedString(name, True))
