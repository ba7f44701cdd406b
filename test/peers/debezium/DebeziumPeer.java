import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.ChangeConsumer;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;

/**
 * Debezium's engine with one connector, in the place of Kafka Connect. Arguments: a JSON file of the connector's settings as
 * they would be posted to Connect (converters and transforms included), Kafka's bootstrap servers, and the file in which the
 * engine keeps its offsets. What a Connect worker does around a source connector is done as it does it: the connector's own
 * converters, the producer's partitioner and acknowledgement by all replicas, offsets stored only after that.
 *
 * Prints one JSON object a line: {"event":"started"}, {"event":"sent","records":3}, and at the end {"event":"stopped"} with
 * the error that stopped it, if there was one. SIGTERM stops it gracefully.
 */
public class DebeziumPeer {
  private static final ObjectMapper json = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    Map<String, String> settings = new TreeMap<>();
    json.readTree(Path.of(args[0]).toFile()).properties().forEach(e -> settings.put(e.getKey(), e.getValue().asText()));
    Converter keyConverter = converter(settings, "key.converter.", true);
    Converter valueConverter = converter(settings, "value.converter.", false);

    Properties engineSettings = new Properties();
    settings.forEach((name, value) -> {
      if (!name.startsWith("key.converter") && !name.startsWith("value.converter")) engineSettings.setProperty(name, value);
    });
    engineSettings.putIfAbsent("name", "outbox");
    engineSettings.setProperty("offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
    engineSettings.setProperty("offset.storage.file.filename", args[2]);
    engineSettings.putIfAbsent("offset.flush.interval.ms", "1000");

    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerSettings(args[1]));
        SimpleHeaderConverter headerConverter = new SimpleHeaderConverter()) {
      ChangeConsumer<RecordChangeEvent<SourceRecord>> consumer = new ChangeConsumer<>() {
        @Override
        public void handleBatch(List<RecordChangeEvent<SourceRecord>> events,
            RecordCommitter<RecordChangeEvent<SourceRecord>> committer) throws InterruptedException {
          List<Future<RecordMetadata>> sent = new ArrayList<>();
          for (RecordChangeEvent<SourceRecord> event : events) {
            SourceRecord record = event.record();
            RecordHeaders headers = new RecordHeaders();
            record.headers().forEach(h ->
                headers.add(h.key(), headerConverter.fromConnectHeader(record.topic(), h.key(), h.schema(), h.value())));
            byte[] key = keyConverter.fromConnectData(record.topic(), headers, record.keySchema(), record.key());
            byte[] value = valueConverter.fromConnectData(record.topic(), headers, record.valueSchema(), record.value());
            sent.add(producer.send(new ProducerRecord<>(
                record.topic(), record.kafkaPartition(), record.timestamp(), key, value, headers)));
          }
          try {
            for (Future<RecordMetadata> one : sent) one.get();
          } catch (java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException("Kafka did not take a record", e.getCause());
          }
          for (RecordChangeEvent<SourceRecord> event : events) committer.markProcessed(event);
          committer.markBatchFinished();
          tell(Map.of("event", "sent", "records", events.size()));
        }

        @Override
        public boolean supportsTombstoneEvents() {
          return true;
        }
      };
      DebeziumEngine<RecordChangeEvent<SourceRecord>> engine = DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
          .using(engineSettings)
          .using(new DebeziumEngine.ConnectorCallback() {
            @Override
            public void pollingStarted() {
              tell(Map.of("event", "started"));
            }
          })
          .using((success, message, error) -> tell(error == null && success
              ? Map.of("event", "stopped")
              : Map.of("event", "stopped", "error", message + (error == null ? "" : ": " + error))))
          .notifying(consumer)
          .build();
      Thread engineThread = new Thread(engine, "engine");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> {
        try {
          engine.close();
          engineThread.join(10_000);
        } catch (Exception e) {
          tell(Map.of("event", "stopping", "error", String.valueOf(e)));
        }
      }));
      engineThread.start();
      engineThread.join();
    }
    // The registry's client leaves threads behind.
    Runtime.getRuntime().halt(0);
  }

  /** As a Connect worker makes them: `value.converter` names the class, what follows the prefix are its settings. */
  private static Converter converter(Map<String, String> settings, String prefix, boolean isKey) throws Exception {
    String className = settings.get(prefix.substring(0, prefix.length() - 1));
    Converter converter = (Converter) Class.forName(className).getDeclaredConstructor().newInstance();
    Map<String, String> own = new TreeMap<>();
    settings.forEach((name, value) -> {
      if (name.startsWith(prefix)) own.put(name.substring(prefix.length()), value);
    });
    converter.configure(own, isKey);
    return converter;
  }

  /** A Connect worker's producer: no record is lost or passes another while it lives. */
  private static Properties producerSettings(String servers) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    settings.put("acks", "all");
    settings.put("enable.idempotence", "false");
    settings.put("max.in.flight.requests.per.connection", "1");
    settings.put("retries", String.valueOf(Integer.MAX_VALUE));
    return settings;
  }

  private static synchronized void tell(Map<String, ?> event) {
    try {
      System.out.println(json.writeValueAsString(event));
      System.out.flush();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
