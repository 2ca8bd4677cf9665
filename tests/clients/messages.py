"""The messages that a client sends, as text without the root's own tag: the toolkit makes that from the WSDL.

People, places and numbers are invented. Run as a program it prints the contents of one message, for clients in other
languages: messages.py KIND NAME=VALUE...
"""

import sys
import uuid
from datetime import datetime, timezone

SENDER, RECEIVER = "2.999.1.11.1", "2.999.1.0"
DOMAIN, OTHER_DOMAIN = "2.999.1.11", "2.999.1.12"
INTERACTIONS = {
    "add": "PRPA_IN201301UV02",
    "revise": "PRPA_IN201302UV02",
    "merge": "PRPA_IN201304UV02",
    "pix": "PRPA_IN201309UV02",
    "pdq": "PRPA_IN201305UV02",
    "continue": "QUQI_IN000003UV01",
    "cancel": "QUQI_IN000003UV01_Cancel",
}


def contents(kind, **asked):
    """What stands inside the root of a message of this kind."""
    interaction = INTERACTIONS[kind].removesuffix("_Cancel")
    trigger = "PRPA_TE000003UV01" if interaction.startswith("QUQI") else interaction.replace("_IN", "_TE")
    device = '<device classCode="DEV" determinerCode="INSTANCE"><id root="{}"/></device>'
    acknowledgement = ""
    if interaction.startswith("QUQI"):
        acknowledgement = (
            '<acknowledgement><typeCode code="AA"/><targetMessage><id root="{}"/></targetMessage></acknowledgement>'
        ).format(asked["reply"])
    return (
        f'<id root="{uuid.uuid4()}"/>'
        f'<creationTime value="{datetime.now(timezone.utc):%Y%m%d%H%M%S}+0000"/>'
        f'<interactionId root="2.16.840.1.113883.1.6" extension="{interaction}"/>'
        '<processingCode code="P"/><processingModeCode code="T"/><acceptAckCode code="AL"/>'
        f'<receiver typeCode="RCV">{device.format(RECEIVER)}</receiver>'
        f'<sender typeCode="SND">{device.format(SENDER)}</sender>{acknowledgement}'
        '<controlActProcess classCode="CACT" moodCode="EVN">'
        f'<code code="{trigger}" codeSystem="2.16.840.1.113883.1.6"/>{ACTS[kind](**asked)}</controlActProcess>'
    )


def feed(value, family, domain=DOMAIN, given="花子", birth="19800214", subsumed=None):
    replaced = ""
    if subsumed:
        replaced = (
            '<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN">'
            '<statusCode code="obsolete"/><subject1 typeCode="SBJ"><priorRegisteredRole classCode="PAT">'
            f'<id root="{domain}" extension="{subsumed}"/></priorRegisteredRole></subject1></priorRegistration>'
            "</replacementOf>"
        )
    return (
        '<subject typeCode="SUBJ" contextConductionInd="false"><registrationEvent classCode="REG" moodCode="EVN">'
        '<statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">'
        f'<id root="{domain}" extension="{value}"/><statusCode code="active"/>'
        '<patientPerson classCode="PSN" determinerCode="INSTANCE">'
        f'<name use="L IDE"><family>{family}</family><given>{given}</given></name>'
        '<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>'
        f'<birthTime value="{birth}"/><addr use="HP"><postalCode>999-0101</postalCode>'
        "<streetAddressLine>星県星見市青葉町1-2-3</streetAddressLine></addr></patientPerson>"
        f'<providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="{domain}"/>'
        '<contactParty classCode="CON"><telecom nullFlavor="NI"/></contactParty></providerOrganization>'
        '</patient></subject1><custodian typeCode="CST"><assignedEntity classCode="ASSIGNED">'
        f'<id root="{SENDER}"/></assignedEntity></custodian>{replaced}</registrationEvent></subject>'
    )


def pix(value, domain=DOMAIN):
    return (
        f'<queryByParameter><queryId root="{uuid.uuid4()}"/><statusCode code="new"/><responsePriorityCode code="I"/>'
        f'<parameterList><patientIdentifier><value root="{domain}" extension="{value}"/>'
        "<semanticsText>Patient.id</semanticsText></patientIdentifier></parameterList></queryByParameter>"
    )


def pdq(family, quantity=1):
    return (
        f'<queryByParameter><queryId root="{uuid.uuid4()}"/><statusCode code="new"/><responseModalityCode code="R"/>'
        f'<responsePriorityCode code="I"/><initialQuantity value="{quantity}"/><parameterList><livingSubjectName>'
        f"<value><family>{family}</family></value><semanticsText>LivingSubject.name</semanticsText>"
        "</livingSubjectName></parameterList></queryByParameter>"
    )


def continuation(query, reply, status="waitContinuedQueryResponse", quantity=None):
    del reply
    asked = f'<continuationQuantity value="{quantity}"/>' if quantity is not None else ""
    return f'<queryContinuation><queryId root="{query}"/>{asked}<statusCode code="{status}"/></queryContinuation>'


ACTS = {
    "add": feed,
    "revise": feed,
    "merge": feed,
    "pix": pix,
    "pdq": pdq,
    "continue": continuation,
    "cancel": lambda query, reply: continuation(query, reply, "aborted", 0),
}


if __name__ == "__main__":
    print(contents(sys.argv[1], **dict(argument.split("=", 1) for argument in sys.argv[2:])))
