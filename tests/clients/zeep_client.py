"""A client that zeep builds at run time from the WSDL that a server serves: each operation of PIX and PDQ once.

zeep_client.py BASE-ADDRESS; ends with a line and status 0, or says what was not as it should be.
"""

import logging
import sys
import uuid

import zeep
from lxml import etree

import messages

HL7 = "{urn:hl7-org:v3}"


def service(base, name):
    """The one service of a description, called where its description says that it is."""
    address = f"{base}/{name}"
    client = zeep.Client(f"{address}?wsdl")
    (found,) = client.wsdl.services.values()
    (port,) = found.ports.values()
    told = port.binding_options["address"]
    assert told == address, f"the description says {told}, and {address} was asked"
    return client


def call(client, operation, kind, **asked):
    """The reply's parts by their names."""
    text = f'<root xmlns="urn:hl7-org:v3">{messages.contents(kind, **asked)}</root>'
    # zeep reads the Actions of WS-Addressing in the description, and writes the headers by itself.
    reply = client.service[operation](_value_1=list(etree.fromstring(text)), _attr_1={"ITSVersion": "XML_1.0"})
    return {etree.QName(part).localname: part for part in reply["_value_1"]}


def find(part, path):
    return part.find("/".join(HL7 + step for step in path.split("/")))


def code(reply, wanted):
    found = find(reply["acknowledgement"], "typeCode").get("code")
    assert found == wanted, f"{found} instead of {wanted}: {etree.tostring(reply['acknowledgement']).decode()}"


def quantities(reply):
    ack = find(reply["controlActProcess"], "queryAck")
    return [find(ack, f"result{name}Quantity").get("value") for name in ("Total", "Current", "Remaining")]


def main(base):
    logging.basicConfig(level=logging.ERROR)
    pix, pdq = service(base, "pix"), service(base, "pdq")
    run = uuid.uuid4().hex[:8]
    family = "星見" + "".join(chr(0x4E00 + int(run[n : n + 2], 16)) for n in (0, 2, 4))
    feeds = "PIXManager_PRPA_IN20130{}UV02"
    for number, birth in (("1", "19800214"), ("2", "19500301"), ("3", "20010705")):
        given = {"1": "花子", "2": "春", "3": "秋"}[number]
        code(call(pix, feeds.format(1), "add", value=run + number, family=family, given=given, birth=birth), "CA")
    other = dict(value=run + "9", family=family, domain=messages.OTHER_DOMAIN)
    code(call(pix, feeds.format(1), "add", **other), "CA")
    code(call(pix, feeds.format(2), "revise", **other), "CA")
    answer = call(pix, "PIXManager_PRPA_IN201309UV02", "pix", value=run + "1")
    code(answer, "AA")
    patient = find(answer["controlActProcess"], "subject/registrationEvent/subject1/patient")
    shown = [found.get("extension") for found in patient.findall(HL7 + "id")]
    assert run + "9" in shown and run + "1" not in shown, shown
    answer = call(pdq, "PDSupplier_PRPA_IN201305UV02", "pdq", family=family)
    code(answer, "AA")
    assert quantities(answer) == ["3", "1", "2"], quantities(answer)
    query = find(answer["controlActProcess"], "queryAck/queryId").get("root")
    follows = dict(query=query, reply=answer["id"].get("root"))
    answer = call(pdq, "PDSupplier_QUQI_IN000003UV01_Continue", "continue", **follows)
    code(answer, "AA")
    assert quantities(answer) == ["3", "1", "1"], quantities(answer)
    code(call(pdq, "PDSupplier_QUQI_IN000003UV01_Cancel", "cancel", **follows), "CA")
    code(call(pdq, "PDSupplier_QUQI_IN000003UV01_Cancel", "cancel", **follows), "CE")
    code(call(pix, feeds.format(4), "merge", value=run + "2", subsumed=run + "3", family=family), "CA")
    code(call(pix, "PIXManager_PRPA_IN201309UV02", "pix", value=run + "3"), "AE")
    print(f"zeep {zeep.__version__}: each operation of PIX and PDQ")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
