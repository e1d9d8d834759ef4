// The Java side of tests/interop.rs: BouncyCastle judges what the package made, and makes what the package judges.
// Works in the folder given as its argument; every line that it prints is a verdict, "ok ..." or "FAILED ...".

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.ua.DSTU4145NamedCurves;
import org.bouncycastle.asn1.ua.DSTU4145Params;
import org.bouncycastle.asn1.ua.DSTU4145PointEncoder;
import org.bouncycastle.asn1.ua.UAObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultCMSSignatureAlgorithmNameGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.crypto.AsymmetricCipherKeyPair;
import org.bouncycastle.crypto.digests.GOST3411Digest;
import org.bouncycastle.crypto.engines.GOST28147Engine;
import org.bouncycastle.crypto.generators.DSTU4145KeyPairGenerator;
import org.bouncycastle.crypto.macs.GOST28147Mac;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECKeyGenerationParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithRandom;
import org.bouncycastle.crypto.params.ParametersWithSBox;
import org.bouncycastle.crypto.signers.DSTU4145Signer;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.ContentVerifier;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.util.CollectionStore;

public class Interop {
    static final int[] DEGREES = {163, 167, 173, 179, 191, 233, 257, 307, 367, 431};
    static final AlgorithmIdentifier GOST_34311 =
        new AlgorithmIdentifier(new ASN1ObjectIdentifier("1.2.804.2.1.1.1.1.2.1"));
    static final AlgorithmIdentifier DSTU_4145 = new AlgorithmIdentifier(UAObjectIdentifiers.dstu4145le);
    static final HexFormat HEX = HexFormat.of();
    static final SecureRandom CHANCE = new SecureRandom();
    static final char[] PASSWORD = "invented-password".toCharArray();

    static Path folder;

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        folder = Path.of(arguments[0]);
        judgeSignatures();
        makeSignatures();
        judgeCertificates();
        judgeMessage();
        makeMessage();
        judgeStore();
        makeStore();
        makeKey6();
    }

    static void say(boolean holds, String what) {
        System.out.println((holds ? "ok " : "FAILED ") + what);
    }

    static byte[] file(String name) throws Exception {
        return Files.readAllBytes(folder.resolve(name));
    }

    static ECDomainParameters domain(int degree) {
        int arc = Arrays.binarySearch(DEGREES, degree);
        return DSTU4145NamedCurves.getByOID(new ASN1ObjectIdentifier("1.2.804.2.1.1.1.1.3.1.1.2." + arc));
    }

    static byte[] reversed(byte[] octets) {
        byte[] result = new byte[octets.length];
        for (int i = 0; i < octets.length; i++) result[i] = octets[octets.length - 1 - i];
        return result;
    }

    static BigInteger littleEndian(byte[] octets) {
        return new BigInteger(1, reversed(octets));
    }

    /** A number in a fixed number of octets, least significant first. */
    static byte[] littleEndian(BigInteger number, int width) {
        byte[] result = new byte[width];
        byte[] digits = reversed(number.toByteArray());
        System.arraycopy(digits, 0, result, 0, Math.min(width, digits.length));
        return result;
    }

    static ECPublicKeyParameters publicKey(int degree, byte[] compressed) {
        ECDomainParameters domain = domain(degree);
        return new ECPublicKeyParameters(
            DSTU4145PointEncoder.decodePoint(domain.getCurve(), reversed(compressed)), domain);
    }

    static boolean verify(ECPublicKeyParameters key, byte[] digest, byte[] signature) {
        DSTU4145Signer verifier = new DSTU4145Signer();
        verifier.init(false, key);
        int width = signature.length / 2;
        return verifier.verifySignature(digest, littleEndian(Arrays.copyOf(signature, width)),
            littleEndian(Arrays.copyOfRange(signature, width, 2 * width)));
    }

    static byte[] sign(ECPrivateKeyParameters key, byte[] digest) {
        DSTU4145Signer signer = new DSTU4145Signer();
        signer.init(true, new ParametersWithRandom(key, CHANCE));
        BigInteger[] components = signer.generateSignature(digest);
        int width = (key.getParameters().getN().bitLength() + 7) / 8;
        byte[] signature = Arrays.copyOf(littleEndian(components[0], width), 2 * width);
        System.arraycopy(littleEndian(components[1], width), 0, signature, width, width);
        return signature;
    }

    /** DKE No. 1, a nibble in each octet. */
    static byte[] sbox() {
        byte[] packed = DSTU4145Params.getDefaultDKE();
        byte[] nibbles = new byte[128];
        for (int i = 0; i < 64; i++) {
            nibbles[2 * i] = (byte) ((packed[i] >> 4) & 15);
            nibbles[2 * i + 1] = (byte) (packed[i] & 15);
        }
        return nibbles;
    }

    /** GOST 34.311 with the S-box DKE No. 1. */
    static byte[] hash(byte[] data) {
        GOST3411Digest digest = new GOST3411Digest(sbox());
        digest.update(data, 0, data.length);
        byte[] result = new byte[32];
        digest.doFinal(result, 0);
        return result;
    }

    static void judgeSignatures() throws Exception {
        for (String line : Files.readAllLines(folder.resolve("ours.txt"))) {
            String[] fields = line.split(" ");
            int degree = Integer.parseInt(fields[0]);
            byte[] digest = HEX.parseHex(fields[2]);
            byte[] signature = HEX.parseHex(fields[3]);
            ECPublicKeyParameters key = publicKey(degree, HEX.parseHex(fields[1]));
            boolean good = verify(key, digest, signature);
            digest[3] ^= 4;
            say(good && !verify(key, digest, signature), "signature on m = " + degree);
        }
    }

    static void makeSignatures() throws Exception {
        StringBuilder lines = new StringBuilder();
        for (int degree : DEGREES) {
            for (int count = 0; count < 5; count++) {
                DSTU4145KeyPairGenerator generator = new DSTU4145KeyPairGenerator();
                generator.init(new ECKeyGenerationParameters(domain(degree), CHANCE));
                AsymmetricCipherKeyPair pair = generator.generateKeyPair();
                byte[] digest = new byte[32];
                CHANCE.nextBytes(digest);
                byte[] point = DSTU4145PointEncoder.encodePoint(((ECPublicKeyParameters) pair.getPublic()).getQ());
                byte[] signature = sign((ECPrivateKeyParameters) pair.getPrivate(), digest);
                lines.append(degree).append(' ').append(HEX.formatHex(reversed(point))).append(' ')
                    .append(HEX.formatHex(digest)).append(' ').append(HEX.formatHex(signature)).append('\n');
            }
        }
        Files.writeString(folder.resolve("theirs.txt"), lines);
    }

    static void judgeCertificates() throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        Certificate authority = factory.generateCertificate(new ByteArrayInputStream(file("authority.der")));
        Certificate holder = factory.generateCertificate(new ByteArrayInputStream(file("cert.der")));
        authority.verify(authority.getPublicKey(), "BC");
        holder.verify(authority.getPublicKey(), "BC");
        say(true, "certificates, by BouncyCastle's own provider");
    }

    static SignerInformationVerifier verifier(ECPublicKeyParameters key) {
        ContentVerifierProvider verifiers = new ContentVerifierProvider() {
            public boolean hasAssociatedCertificate() { return false; }
            public X509CertificateHolder getAssociatedCertificate() { return null; }
            public ContentVerifier get(AlgorithmIdentifier algorithm) {
                ByteArrayOutputStream octets = new ByteArrayOutputStream();
                return new ContentVerifier() {
                    public AlgorithmIdentifier getAlgorithmIdentifier() { return algorithm; }
                    public OutputStream getOutputStream() { return octets; }
                    public boolean verify(byte[] signature) {
                        return Interop.verify(key, hash(octets.toByteArray()), signature);
                    }
                };
            }
        };
        return new SignerInformationVerifier(
            new DefaultCMSSignatureAlgorithmNameGenerator(), name -> DSTU_4145, verifiers, digests());
    }

    static DigestCalculatorProvider digests() {
        return algorithm -> {
            ByteArrayOutputStream octets = new ByteArrayOutputStream();
            return new DigestCalculator() {
                public AlgorithmIdentifier getAlgorithmIdentifier() { return GOST_34311; }
                public OutputStream getOutputStream() { return octets; }
                public byte[] getDigest() { return hash(octets.toByteArray()); }
            };
        };
    }

    static void judgeMessage() throws Exception {
        ECPublicKeyParameters key = publicKey(257, file("public.bin"));
        for (String name : List.of("attached.p7s", "key-id.p7s", "detached.p7s")) {
            byte[] octets = file(name);
            CMSSignedData message = name.startsWith("detached")
                ? new CMSSignedData(new CMSProcessableByteArray(file("content.bin")), octets)
                : new CMSSignedData(octets);
            SignerInformation signer = message.getSignerInfos().getSigners().iterator().next();
            say(signer.verify(verifier(key)), name);
        }
    }

    static void makeMessage() throws Exception {
        ECPrivateKeyParameters key = new ECPrivateKeyParameters(littleEndian(file("secret.bin")), domain(257));
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        ContentSigner signer = new ContentSigner() {
            public AlgorithmIdentifier getAlgorithmIdentifier() { return DSTU_4145; }
            public OutputStream getOutputStream() { return octets; }
            public byte[] getSignature() { return sign(key, hash(octets.toByteArray())); }
        };
        X509CertificateHolder certificate = new X509CertificateHolder(file("cert.der"));
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(
            new SignerInfoGeneratorBuilder(digests(), algorithm -> DSTU_4145)
                .setContentDigest(GOST_34311).build(signer, certificate));
        generator.addCertificates(new CollectionStore<>(List.of(certificate)));
        CMSSignedData message = generator.generate(new CMSProcessableByteArray(file("content.bin")), true);
        Files.write(folder.resolve("theirs.p7s"), message.toASN1Structure().getEncoded("DER"));
    }

    static void judgeStore() throws Exception {
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(new ByteArrayInputStream(file("ours.jks")), PASSWORD);
        boolean same = Arrays.equals(store.getCertificate("sign").getEncoded(), file("cert.der"));
        say(same && store.isKeyEntry("sign"), "our Java key store, by Java");
    }

    /** A key whose encoding is the Ukrainian PKCS #8, which no Java provider makes. */
    record UkrainianKey(byte[] getEncoded) implements PrivateKey {
        public String getAlgorithm() { return "DSTU4145"; }
        public String getFormat() { return "PKCS#8"; }
        public byte[] getEncoded() { return getEncoded; }
    }

    static void makeStore() throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509", "BC");
        Certificate holder = factory.generateCertificate(new ByteArrayInputStream(file("cert.der")));
        KeyStore store = KeyStore.getInstance("JKS");
        store.load(null, PASSWORD);
        PrivateKey key = new UkrainianKey(file("secret.p8"));
        store.setKeyEntry("sign", key, PASSWORD, new Certificate[] {holder});
        try (OutputStream output = Files.newOutputStream(folder.resolve("theirs.jks"))) {
            store.store(output, PASSWORD);
        }
    }

    /** Key-6.dat of the Ukrainian PKCS #8, from BouncyCastle's cipher, code and hash. */
    static void makeKey6() throws Exception {
        byte[] key = new String(PASSWORD).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        for (int i = 0; i < 10_000; i++) key = hash(key);
        ParametersWithSBox parameters = new ParametersWithSBox(new KeyParameter(key), sbox());
        byte[] plain = file("secret.p8");

        GOST28147Mac mac = new GOST28147Mac();
        mac.init(parameters);
        mac.update(plain, 0, plain.length);
        byte[] code = new byte[4];
        mac.doFinal(code, 0);

        byte[] data = Arrays.copyOf(plain, (plain.length + 7) / 8 * 8);
        GOST28147Engine engine = new GOST28147Engine();
        engine.init(true, parameters);
        for (int i = 0; i < data.length; i += 8) engine.processBlock(data, i, data, i);
        ASN1EncodableVector codes = new ASN1EncodableVector();
        codes.add(new DEROctetString(code));
        codes.add(new DEROctetString(Arrays.copyOfRange(data, plain.length, data.length)));
        ASN1EncodableVector algorithm = new ASN1EncodableVector();
        algorithm.add(new ASN1ObjectIdentifier("1.3.6.1.4.1.19398.1.1.1.2"));
        algorithm.add(new DERSequence(codes));
        ASN1EncodableVector container = new ASN1EncodableVector();
        container.add(new DERSequence(algorithm));
        container.add(new DEROctetString(Arrays.copyOf(data, plain.length)));
        Files.write(folder.resolve("theirs-key6.dat"), new DERSequence(container).getEncoded("DER"));
    }
}
