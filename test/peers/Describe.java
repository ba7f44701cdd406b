import org.apache.kafka.streams.*;
import org.apache.kafka.streams.processor.api.*;
import org.apache.kafka.streams.state.*;
import org.apache.kafka.common.serialization.Serdes;
import java.nio.file.*; import java.util.*;
public class Describe {
  public static void main(String[] a) throws Exception {
    Topology t = new Topology();
    Map<String,List<String>> stores = new LinkedHashMap<>();
    for (String line : Files.readAllLines(Path.of(a[0]))) {
      String[] p = line.split("\t", -1); // kind name parents topicsOrStores
      String[] parents = p[2].isEmpty()? new String[0] : p[2].split(",");
      String[] extra = p[3].isEmpty()? new String[0] : p[3].split(",");
      if (p[0].equals("source")) t.addSource(p[1], extra);
      else if (p[0].equals("sink")) t.addSink(p[1], extra[0], parents);
      else { t.addProcessor(p[1], () -> new P(), parents);
        for (String s : extra) stores.computeIfAbsent(s, k -> new ArrayList<>()).add(p[1]); }
    }
    for (var e : stores.entrySet()) t.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(e.getKey()), Serdes.String(), Serdes.String()), e.getValue().toArray(new String[0]));
    System.out.print(t.describe());
  }
}
class P implements Processor<Object,Object,Object,Object> { public void process(org.apache.kafka.streams.processor.api.Record<Object,Object> r) {} }
