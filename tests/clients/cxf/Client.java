import java.io.ByteArrayInputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.xml.namespace.QName;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.cxf.Bus;
import org.apache.cxf.BusFactory;
import org.apache.cxf.jaxws.endpoint.dynamic.JaxWsDynamicClientFactory;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * A client that Apache CXF generates, compiles and loads at run time from the WSDL that a server serves: each operation
 * of PIX and PDQ once. Client BASE-ADDRESS PYTHON MESSAGES; the messages are those of messages.py.
 */
public class Client {
    private static final String HL7 = "urn:hl7-org:v3";
    private static String python;
    private static String messages;

    /** One generated client with the loader of its classes. */
    private record Generated(org.apache.cxf.endpoint.Client client, ClassLoader loader) {}

    private static Generated generate(Bus bus, String address) throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        var client = JaxWsDynamicClientFactory.newInstance(bus).createClient(new URL(address + "?wsdl"));
        ClassLoader loader = thread.getContextClassLoader();
        thread.setContextClassLoader(before);
        new WSAddressingFeature().initialize(client, bus);
        String told = client.getEndpoint().getEndpointInfo().getAddress();
        check(told.equals(address), "the description says " + told + ", and " + address + " was asked");
        return new Generated(client, loader);
    }

    private static String contents(String kind, String... asked) throws Exception {
        List<String> command = new ArrayList<>(List.of(python, messages, kind));
        command.addAll(Arrays.asList(asked));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("PYTHONIOENCODING", "utf-8");
        builder.environment().put("PYTHONUTF8", "1");
        Process process = builder.start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        check(process.waitFor() == 0, "no message of the kind " + kind);
        return text;
    }

    /** The parts of the reply. */
    @SuppressWarnings("unchecked")
    private static List<Element> call(Generated at, String operation, String kind, String... asked) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        byte[] text = ("<root xmlns='" + HL7 + "'>" + contents(kind, asked) + "</root>").getBytes(StandardCharsets.UTF_8);
        Element root = factory.newDocumentBuilder().parse(new ByteArrayInputStream(text)).getDocumentElement();
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        thread.setContextClassLoader(at.loader());
        try {
            Class<?> type = at.loader().loadClass("org.hl7.v3.Interaction");
            Object message = type.getDeclaredConstructor().newInstance();
            List<Object> any = (List<Object>) type.getMethod("getAny").invoke(message);
            for (Node node = root.getFirstChild(); node != null; node = node.getNextSibling()) {
                if (node instanceof Element) {
                    any.add(node);
                }
            }
            Map<QName, String> attributes = (Map<QName, String>) type.getMethod("getOtherAttributes").invoke(message);
            attributes.put(new QName("ITSVersion"), "XML_1.0");
            Object reply = at.client().invoke(operation, message)[0];
            return (List<Element>) (List<?>) type.getMethod("getAny").invoke(reply);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    private static Element find(Element from, String path) {
        Element here = from;
        for (String step : path.split("/")) {
            Element next = null;
            for (Node node = here.getFirstChild(); node != null && next == null; node = node.getNextSibling()) {
                if (node instanceof Element child && step.equals(child.getLocalName())) {
                    next = child;
                }
            }
            check(next != null, "there is no " + step);
            here = next;
        }
        return here;
    }

    private static Element part(List<Element> reply, String name) {
        return reply.stream().filter(element -> name.equals(element.getLocalName())).findFirst().orElseThrow();
    }

    private static void code(List<Element> reply, String wanted) {
        String found = find(part(reply, "acknowledgement"), "typeCode").getAttribute("code");
        check(found.equals(wanted), found + " instead of " + wanted);
    }

    private static void quantities(List<Element> reply, String wanted) {
        Element ack = find(part(reply, "controlActProcess"), "queryAck");
        List<String> found = new ArrayList<>();
        for (String name : List.of("Total", "Current", "Remaining")) {
            found.add(find(ack, "result" + name + "Quantity").getAttribute("value"));
        }
        check(String.join(" ", found).equals(wanted), found + " instead of " + wanted);
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    public static void main(String[] arguments) throws Exception {
        String base = arguments[0];
        python = arguments[1];
        messages = arguments[2];
        Bus bus = BusFactory.getDefaultBus();
        Generated pix = generate(bus, base + "/pix");
        Generated pdq = generate(bus, base + "/pdq");
        String run = UUID.randomUUID().toString().substring(0, 8);
        StringBuilder name = new StringBuilder("family=星見");
        for (int at = 0; at < 6; at += 2) {
            name.append((char) (0x4E00 + Integer.parseInt(run.substring(at, at + 2), 16)));
        }
        String family = name.toString();
        String[][] people = {{"1", "花子", "19800214"}, {"2", "春", "19500301"}, {"3", "秋", "20010705"}};
        for (String[] one : people) {
            String[] said = {"value=" + run + one[0], family, "given=" + one[1], "birth=" + one[2]};
            code(call(pix, "PIXManager_PRPA_IN201301UV02", "add", said), "CA");
        }
        String[] other = {"value=" + run + "9", family, "domain=2.999.1.12"};
        code(call(pix, "PIXManager_PRPA_IN201301UV02", "add", other), "CA");
        code(call(pix, "PIXManager_PRPA_IN201302UV02", "revise", other), "CA");
        List<Element> answer = call(pix, "PIXManager_PRPA_IN201309UV02", "pix", "value=" + run + "1");
        code(answer, "AA");
        find(part(answer, "controlActProcess"), "subject/registrationEvent/subject1/patient/id");
        answer = call(pdq, "PDSupplier_PRPA_IN201305UV02", "pdq", family);
        code(answer, "AA");
        quantities(answer, "3 1 2");
        String query = "query=" + find(part(answer, "controlActProcess"), "queryAck/queryId").getAttribute("root");
        String reply = "reply=" + part(answer, "id").getAttribute("root");
        answer = call(pdq, "PDSupplier_QUQI_IN000003UV01_Continue", "continue", query, reply);
        code(answer, "AA");
        quantities(answer, "3 1 1");
        code(call(pdq, "PDSupplier_QUQI_IN000003UV01_Cancel", "cancel", query, reply), "CA");
        code(call(pdq, "PDSupplier_QUQI_IN000003UV01_Cancel", "cancel", query, reply), "CE");
        String[] merged = {"value=" + run + "2", "subsumed=" + run + "3", family};
        code(call(pix, "PIXManager_PRPA_IN201304UV02", "merge", merged), "CA");
        code(call(pix, "PIXManager_PRPA_IN201309UV02", "pix", "value=" + run + "3"), "AE");
        System.out.println("Apache CXF " + org.apache.cxf.version.Version.getCurrentVersion()
            + ": each operation of PIX and PDQ");
        bus.shutdown(true);
        System.exit(0);
    }
}
