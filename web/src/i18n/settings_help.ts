// SPDX-License-Identifier: MIT OR Apache-2.0
// What the settings are for, in German; the host itself says it in English.
import type { Language } from ".";

const german: Record<string, string> = {
    port: "UDP-Port, mit dem sich Geräte verbinden. 0 nimmt irgendeinen freien.",
    data_port:
        "UDP-Port, von dem das Video ausgeht. 0 nimmt je Sitzung einen zufälligen; eine Firewall, die Ports nennen muss, braucht einen festen, der eine Sitzung zugleich bedient.",
    bind_address: "Adresse, auf der gelauscht wird; :: nimmt IPv6 und IPv4. GameStream braucht eine IPv4-Adresse.",
    display_backend:
        "Woher das Bild kommt. wlroots: ein eigenes unsichtbares sway je Gerät. session: das laufende sway oder labwc. pattern: ein Testbild. auto: session, wo eine läuft, sonst wlroots.",
    display_options: "Wörter für die Bildquellen pattern und null, etwa scene=scroll oder delay-ms=100.",
    session_socket:
        "Wayland-Socket des laufenden Compositors für display_backend = session. Leer schaut in WAYLAND_DISPLAY nach.",
    session_command:
        "Was auf einer frischen Arbeitsfläche läuft, mit /bin/sh im Home-Verzeichnis. auto: ein Terminal (foot), wenn es installiert ist, aber nichts in einer schon laufenden Sitzung. Leer lässt die Arbeitsfläche leer.",
    xwayland: "Lässt X11-Programme auf einer Arbeitsfläche laufen (braucht das Paket xwayland).",
    keyboard_layout: "Tastaturbelegung auf einer Arbeitsfläche, wie xkb sie nennt.",
    cursor: "Zeichnet den Mauszeiger in das Bild.",
    clipboard:
        "Was Geräte von punktfunk/1 mit der Zwischenablage einer Arbeitsfläche austauschen dürfen, in beide Richtungen: nichts, Text oder Text und Bilder. Gesendet wird erst beim Einfügen; was ein Passwortmanager kennzeichnet, wird nie angeboten.",
    encoder:
        "Video-Encoder; `punktfunk-host encoders` nennt sie. auto nimmt den ersten, der wirklich funktioniert.",
    software_codecs:
        "Codecs, die der Prozessor kodieren darf, wo keine Hardware es tut. hevc (x265) und av1 (libaom) kosten ein Mehrfaches von h264: gut für kleine Bilder auf einer schnellen Maschine.",
    encoder_preset: "Wie der Encoder selbst sein Tempo nennt, etwa ultrafast. Leer nimmt sein schnellstes passendes.",
    encoder_threads: "Threads eines Software-Encoders.",
    bitrate_default_kbps: "Video-Bitrate eines Geräts, das sie dem Host überlässt, in kbit/s.",
    bitrate_max_kbps: "Mehr bekommt kein Gerät, in kbit/s.",
    width_max:
        "Das breiteste Bild, das ein Gerät bekommt, in Pixeln. Wer mehr verlangt, bekommt es kleiner, in gleicher Form. Moonlight-Geräte wählen ihren Modus selbst.",
    height_max: "Dasselbe für die Höhe.",
    refresh_max_hz: "Die meisten Bilder pro Sekunde, die ein Gerät bekommt; Moonlight-Geräte wählen selbst.",
    speed_test_max_kbps:
        "So viel darf die Netzmessung eines Geräts höchstens senden, in kbit/s. 0 misst nichts: dann gehen automatische Bitraten nicht über bitrate_default_kbps.",
    jumbo_packets:
        "Pakete bis 8952 Byte auf einem Weg, der sie nachweislich trägt. Braucht ngtcp2 1.11, das Debian 13 hat.",
    fec_percent: "Paritätspakete je hundert Videopakete. auto folgt dem gemessenen Verlust.",
    delivery:
        "Wie die Pakete eines Bildes losgehen. capped: die ersten 128 KiB auf einmal, der Rest mit der dreifachen Bitrate, aber nicht schneller als das nächstkleinere Ethernet. burst: alle auf einmal. smooth: gleichmäßig über den größten Teil der Zeit bis zum nächsten Bild, für Leitungen, die Stöße verlieren; es kostet diese Zeit.",
    dscp: "Klasse, mit der Videopakete gekennzeichnet werden, als Name (EF, AF41, CS5) oder Zahl, und der Ton von Moonlight-Geräten mit ihnen. auto: CS5 und CS6 für Moonlight-Geräte, die darum bitten, sonst nichts. Netze, die nichts davon wissen, beachten oder behalten es nicht.",
    repeat_frames:
        "Wie oft ein Bild, das sich nicht mehr ändert, noch einmal gesendet wird, damit seine Qualität sich setzt. Danach wird nichts gesendet, bis sich etwas ändert.",
    repeat_delay_ms: "Zeit zwischen der letzten Änderung und der ersten Wiederholung und zwischen Wiederholungen.",
    audio: "Überträgt Ton. Ohne funktionierendes PipeWire läuft das Bild allein weiter.",
    audio_backend:
        "Woher der Ton kommt. pipewire: ein eigenes PipeWire je Gerät. null: ein Testton. auto: pipewire.",
    audio_options: "Wörter für den Testton, etwa tone-hz=440.",
    audio_channels: "Die meisten Kanäle, die ein Gerät bekommt.",
    audio_quality:
        "Der beste Ton, den ein Gerät von punktfunk/1 bekommt: 96, 128 oder 256 kbit/s in Stereo, 192, 256 oder 448 mit sechs Kanälen, 320, 450 oder 768 mit acht. Was ein Zwanzigstel der Video-Bitrate nicht fasst, wird weniger. Was es zweimal fasst, wird zweimal gesendet, damit ein verlorenes Paket nicht fehlt.",
    microphone:
        "Gibt einem Gerät von punktfunk/1, das spricht, ein Mikrofon auf seiner Arbeitsfläche, wenn seine Rechte es erlauben. Programme anderer Arbeitsflächen hören es nicht.",
    gamepad:
        "Wie die Gamepads eines Geräts für Programme aussehen. auto: dualsense für solche mit Bewegungssensoren oder Touchfläche, sonst xboxone oder xbox360. Was diese Maschine nicht nachbilden kann, wird das Ähnlichste.",
    allowed_clients:
        "Datei der Geräte, die sich verbinden dürfen, je Zeile der Fingerabdruck eines Zertifikats. Leer ist allowed_clients neben host.conf. Sie wird bei jeder Verbindung neu gelesen.",
    trust_on_first_use:
        "Lässt jedes Gerät ein, ob gelistet oder nicht. Nur für Tests und abgeschlossene Netze: Wer den Port erreicht, bedient die Arbeitsfläche.",
    gamestream:
        "Lässt auch gewöhnliche Moonlight-Geräte ein. Ihre Kopplung und Verschlüsselung sind schwächer als die von punktfunk/1: für vertrauenswürdige Netze.",
    gamestream_port:
        "Basis-Port der Moonlight-Geräte: TCP bei -5, 0 und +21 davon, UDP bei +9, +10 und +11. 0 nimmt irgendwelche freien.",
    gamestream_plain_rtsp:
        "Lässt Moonlight-Geräte von vor 2024 ein, die ohne Verschlüsselung verhandeln: Wer mithört, kann ihren Stream übernehmen.",
    gamestream_encryption:
        "Verschlüsselung von Bild und Ton für Moonlight-Geräte. auto verlangt sie, wo das Gerät von außerhalb des lokalen Netzes kommt. mandatory verlangt sie von allen und weist ab, wer nicht beides einschaltet, auch Geräte von vor 2024.",
    discovery:
        "Sagt dem Netz per mDNS, über den Avahi-Dienst, wo Geräte diesen Host finden. Ohne das muss die Adresse eingetippt werden.",
    max_sessions:
        "Geräte, die zugleich streamen, gleich mit welchem Protokoll. Eines mehr wird als besetzt abgewiesen.",
    desk_keep_alive_s:
        "Wie lange eine Arbeitsfläche bleibt, wenn ihr Gerät weg ist, in Sekunden. Ein Gerät, das beendet, beendet sie sofort.",
    spare_desk:
        "Hält eine leere Arbeitsfläche für das nächste Gerät bereit, wo display_backend wlroots ist. Das kostet etwas Speicher und keine Prozessorzeit.",
    mgmt: "Bietet die Verwaltungs-API an, die Kopplung, Geräte, Apps und Status der Befehlszeile und diese Konsole brauchen.",
    mgmt_bind:
        "Adresse, auf der die Verwaltungs-API lauscht. Ihr Token öffnet nur von dieser Maschine aus, was auch immer hier steht.",
    mgmt_hosts:
        "Namen, unter denen Browser diese Konsole erreichen dürfen, neben localhost und den Adressen des Hosts; mit Kommas. Eine Seite, die unter einem anderen Namen kommt, wird abgewiesen.",
    mgmt_console: "Ordner mit den Dateien der Webkonsole. Leer nimmt die installierten.",
    mgmt_port: "TCP-Port der Verwaltungs-API. 0 nimmt irgendeinen freien.",
    log_level: "Wie viel protokolliert wird.",
    log_format: "Protokollzeilen für Menschen oder, ein JSON-Objekt je Zeile, für Maschinen.",
    user: "Von root gestartet, wird der Host zu diesem Benutzer. Leer nimmt den Benutzer von sudo, sonst den Systembenutzer punktfunk.",
};

export function helpOf(s: { name: string; help: string }, language: Language): string {
    return (language === "de" ? german[s.name] : undefined) ?? s.help;
}
