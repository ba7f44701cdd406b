import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.data.Envelope;
import io.debezium.transforms.ExtractNewRecordState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;

/**
 * A sink's side of Debezium: reads a topic to its present end as a Connect worker with these connector settings would, asks
 * Debezium whether each record is one of its envelopes, and unwraps it by Debezium's own transform. Arguments as DebeziumPeer's,
 * with the topic in the place of the offsets' file. Prints one JSON object for each record.
 */
public class UnwrapPeer {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    Map<String, String> converterSettings = new TreeMap<>();
    String className = null;
    for (var setting : json.readTree(Path.of(args[0]).toFile()).properties()) {
      String name = setting.getKey();
      if (name.equals("value.converter")) className = setting.getValue().asText();
      if (name.startsWith("value.converter.")) converterSettings.put(name.substring("value.converter.".length()), setting.getValue().asText());
    }
    Converter converter = (Converter) Class.forName(className).getDeclaredConstructor().newInstance();
    converter.configure(converterSettings, false);
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[1]);
    settings.put("isolation.level", "read_committed");
    settings.put("auto.offset.reset", "earliest");
    try (ExtractNewRecordState<SinkRecord> unwrap = new ExtractNewRecordState<>();
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      unwrap.configure(Map.of("add.fields", "op,source.lsn,source.snapshot", "delete.tombstone.handling.mode", "rewrite"));
      List<TopicPartition> partitions = consumer.partitionsFor(args[2]).stream().map(p -> new TopicPartition(args[2], p.partition())).toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          SchemaAndValue value = converter.toConnectData(record.topic(), record.headers(), record.value());
          SinkRecord envelope = new SinkRecord(record.topic(), record.partition(), Schema.STRING_SCHEMA,
              new String(record.key(), StandardCharsets.UTF_8), value.schema(), value.value(), record.offset());
          SinkRecord row = unwrap.apply(envelope);
          Map<String, Object> fields = new TreeMap<>();
          Map<String, Object> types = new TreeMap<>();
          for (Field field : row.valueSchema().fields()) {
            fields.put(field.name(), ((Struct) row.value()).get(field));
            types.put(field.name(), field.schema().name() == null ? field.schema().type().getName() : field.schema().name());
          }
          System.out.println(json.writeValueAsString(Map.of("key", row.key(), "isEnvelope", Envelope.isEnvelopeSchema(value.schema()),
              "schema", row.valueSchema().name(), "fields", fields, "types", types)));
        }
      }
    }
    System.out.flush();
    // The registry's client leaves threads behind.
    Runtime.getRuntime().halt(0);
  }
}
